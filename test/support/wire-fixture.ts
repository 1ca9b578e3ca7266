/** A federation server on a free port with the in-memory service behind it, and sites that join it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { type FederationServerOptions, startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import type { JoinCode } from '@consilium/protos/join-code.ts'
import { openLink } from '@consilium/site-agent/link/grpc-link.ts'
import type { JoinedSite } from '@consilium/site-agent/link/identity-files.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import type { EgressLedger, EgressRecord, Link } from '@consilium/site-agent/link/link.ts'
import pino from 'pino'
import { fakeFederationService } from './fake-federation-service.ts'

export const silent = pino({ level: 'silent' })

export type MemoryLedger = EgressLedger & { readonly records: EgressRecord[]; total(): number }

export function memoryLedger(): MemoryLedger {
  const records: EgressRecord[] = []
  return {
    records,
    append: (record) => void records.push(record),
    total: () => records.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

export type WireFixture = Awaited<ReturnType<typeof startWireFixture>>

export async function startWireFixture(
  options: { readonly clock?: Clock; readonly certificateLifeMs?: number } & Partial<
    Pick<FederationServerOptions, 'entryRate' | 'joinRate' | 'proofRate' | 'port'>
  > = {},
) {
  const { clock = systemClock, port = 0 } = options
  const home = mkdtempSync(join(tmpdir(), 'consilium-wire-'))
  const authority = await openCertificateAuthority({ home, advertisedHost: '127.0.0.1', clock, log: silent })
  const service = fakeFederationService({ ...options, authority, clock })
  const server = await startFederationServer({
    ...options,
    service,
    authority,
    host: '127.0.0.1',
    port,
    clock,
    log: silent,
  })
  const links: Link[] = []

  function codeFor(site: string, atPort = server.port): JoinCode {
    const secret = randomBytes(32)
    service.secrets.set(site, secret.toString('hex'))
    return {
      address: `127.0.0.1:${atPort}`,
      site,
      authority: authority.fingerprint,
      secret: secret.toString('base64'),
      expiresAt: new Date(clock.now().getTime() + 60 * 60_000).toISOString(),
    }
  }
  function stateOf(site: string): string {
    return join(home, 'sites', site)
  }
  /** Joins through `atPort` (a relay's, say), in a state folder of the site's own. */
  async function joinSite(
    site: string,
    ledger: EgressLedger = memoryLedger(),
    atPort = server.port,
  ): Promise<JoinedSite> {
    return joinFederation({
      code: codeFor(site, atPort),
      state: stateOf(site),
      ledger,
      clock,
      environment: {},
    })
  }
  function linkOf(joined: JoinedSite, ledger: EgressLedger = memoryLedger(), siteClock: Clock = systemClock): Link {
    const link = openLink({
      joined,
      agentVersion: 'test',
      ledger,
      clock: siteClock,
      log: silent,
      random: () => 0,
      environment: {},
    })
    links.push(link)
    return link
  }
  return {
    home,
    authority,
    service,
    server,
    codeFor,
    stateOf,
    joinSite,
    linkOf,
    async stop() {
      await Promise.all(links.map((link) => link.close()))
      await server.stop()
      authority.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Resolves once `holds`; asks again whenever the service heard something. */
export async function until({ service }: Pick<WireFixture, 'service'>, holds: () => boolean): Promise<void> {
  while (!holds()) await service.changed()
}
