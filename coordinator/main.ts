/**
 * The coordinator on one machine: opens the home folder's stores and keys, puts the coordinator on them, and starts both
 * listeners. The only file that knows all parts.
 */
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import { destination, type Logger, pino } from 'pino'
import { openCertificateAuthority } from './certificate-authority.ts'
import { advertisedAddress, advertisedHost, type Config, readConfig } from './config.ts'
import { openCoordinator } from './coordinator.ts'
import { startAdminServer } from './grpc/admin-server.ts'
import { startFederationServer } from './grpc/federation-server.ts'
import { openCoordinatorIdentity } from './store/file-coordinator-identity.ts'
import { openFileObjectStore } from './store/file-object-store.ts'
import { lockHome } from './store/home-lock.ts'
import { openLocalKeyVault } from './store/local-key-vault.ts'
import { openSqliteEventLog } from './store/sqlite-event-log.ts'

export type StartOptions = {
  /** The home folder; made where it is missing. */
  readonly home: string
  readonly clock?: Clock
  /** Default: to standard error, at the level that `coordinator.yaml` sets. */
  readonly log?: Logger
}

export type RunningCoordinator = {
  readonly federation: string
  /** host:port at which sites reach it, as it stands in join codes. */
  readonly siteAddress: string
  /** host:port of the operator's listener. */
  readonly adminAddress: string
  /** Rejects where it can only end: the event log no longer takes anything. */
  readonly failed: Promise<never>
  /** Ends streams and calls, and lets the home go; runs go on at the next start. */
  stop(): Promise<void>
}

/** Resolves once both listeners are up and `admin.json` tells where. */
export async function startCoordinator({ home, clock = systemClock, log }: StartOptions): Promise<RunningCoordinator> {
  await using started = new AsyncDisposableStack()
  started.defer(lockHome(home))
  const config = await readConfig(home)
  const logger = log ?? pino({ level: config.log }, destination({ dest: 2, sync: true }))
  const failure = Promise.withResolvers<never>()
  failure.promise.catch((error) => logger.fatal({ error: String(error) }, 'the event log failed: stopping'))

  const { stores, authority, identity } = await openHome(home, config, clock, logger, started)
  let siteAddress = ''
  const coordinator = await openCoordinator({
    ...stores,
    authority,
    identity,
    clock,
    log: logger,
    federation: config.federation,
    siteAddress: () => siteAddress,
    certificateDays: config.certificateDays,
    onFailure: failure.reject,
  })
  started.defer(() => coordinator.stop())

  const edge = { authority, clock, log: logger }
  const sites = await startFederationServer({ ...edge, ...config.sites, service: coordinator.federationService })
  started.defer(() => sites.stop())
  siteAddress = advertisedAddress(config, sites.port)
  const admin = await startAdminServer({ ...edge, ...config.admin, service: coordinator.adminService })
  started.defer(() => admin.stop())
  const adminAddress = `127.0.0.1:${admin.port}`
  await announce(home, adminAddress, started)
  logger.info({ siteAddress, adminAddress }, 'the coordinator is running')

  const running = started.move()
  return {
    federation: coordinator.name,
    siteAddress,
    adminAddress,
    failed: failure.promise,
    stop: () => running.disposeAsync(),
  }
}

async function openHome(home: string, config: Config, clock: Clock, log: Logger, started: AsyncDisposableStack) {
  const keys = join(home, 'keys')
  const identity = await openCoordinatorIdentity(join(keys, 'coordinator.key'))
  const vault = await openLocalKeyVault(join(keys, 'vault.key'))
  const objects = await openFileObjectStore({ objects: join(home, 'objects'), staging: join(home, 'staging') })
  const eventLog = openSqliteEventLog(join(home, 'log.sqlite'))
  started.defer(() => eventLog.close())
  const authority = await openCertificateAuthority({ home, advertisedHost: advertisedHost(config), clock, log })
  started.defer(() => authority.close())
  return { stores: { eventLog, objects, vault }, authority, identity }
}

/** Tells the command line where the operator's listener is, for as long as it is there. */
async function announce(home: string, address: string, started: AsyncDisposableStack): Promise<void> {
  const path = join(home, 'admin.json')
  await writeFile(`${path}.new`, `${JSON.stringify({ address, pid: process.pid })}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  started.defer(() => rm(path, { force: true }))
}
