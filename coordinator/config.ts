/**
 * `coordinator.yaml` in the coordinator's home folder. Everything has a default, so the file may be missing; a key that
 * is not known is an error, for it is a slip of the pen.
 */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

const port = z.int().min(0).max(65_535)

const configSchema = z.strictObject({
  /** The federation's name, fixed at the first start. */
  federation: z.string().min(1).max(100).default('consilium'),
  sites: z
    .strictObject({
      /** Where to listen for sites; 0.0.0.0 is every interface. */
      host: z.string().min(1).max(255).default('0.0.0.0'),
      /** 0 for any free port. */
      port: port.default(7443),
      /** host or host:port at which sites reach this machine, as it stands in join codes; default: its own name. */
      address: z
        .string()
        .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/, 'host or host:port, an IPv6 address in brackets')
        .optional(),
    })
    .prefault({}),
  /** The operator's listener is on 127.0.0.1 only; `admin.json` tells its port. */
  admin: z.strictObject({ port: port.default(0) }).prefault({}),
  /** How long a site's certificate is good before it must be renewed. */
  certificateDays: z.int().min(1).max(825).default(90),
  log: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

export type Config = z.output<typeof configSchema>

/** A file that is empty, or holds nothing but comments, is one without settings. */
const fileSchema = configSchema.nullable()
const configBytesMax = 64 * 1024

/** Throws `invalid-argument` naming line, column and key of what is wrong, or `limit-exceeded`. */
export async function readConfig(home: string): Promise<Config> {
  const path = join(home, 'coordinator.yaml')
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw new FederationError('invalid-argument', `cannot read ${path}: ${error.code}`, { cause: error })
  })
  const file = { name: path, bytes, bytesMax: configBytesMax, schema: fileSchema, code: 'invalid-argument' } as const
  return readYamlFile(file) ?? configSchema.parse({})
}

/** host:port at which sites reach the coordinator that listens on `listeningPort`. */
export function advertisedAddress({ sites }: Config, listeningPort: number): string {
  const host = advertisedHost({ sites })
  return `${host.includes(':') ? `[${host}]` : host}:${portOf(sites.address) ?? listeningPort}`
}

/** The host in {@link advertisedAddress}, without brackets: it stands in the server's certificate. */
export function advertisedHost({ sites }: Pick<Config, 'sites'>): string {
  if (sites.address !== undefined) return sites.address.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  return sites.host === '0.0.0.0' || sites.host === '::' ? hostname() : sites.host
}

function portOf(address: string | undefined): string | undefined {
  return address?.match(/:(\d{1,5})$/)?.[1]
}
