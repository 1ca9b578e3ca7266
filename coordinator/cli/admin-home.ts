/** What the command line reads in the coordinator's home folder: where its admin listener is, the operator's certificate. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { z } from 'zod'

export type OperatorFiles = { readonly authority: Buffer; readonly key: Buffer; readonly certificate: Buffer }

const adminFileSchema = z.object({
  address: z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/),
  pid: z.int().min(0).optional(),
})

/** host:port of the admin listener; throws `link-down` where no coordinator runs on `home`. */
export async function readAdminAddress(home: string): Promise<string> {
  const path = join(home, 'admin.json')
  try {
    return adminFileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).address
  } catch (cause) {
    const message = isMissing(cause)
      ? `no coordinator is running on ${home}: start it with consilium serve --home ${home}, or name its home folder with --home`
      : `${path} is damaged: restart the coordinator, it writes the file anew`
    throw new FederationError('link-down', message, { cause })
  }
}

/** Throws `permission-denied` where one of the files cannot be read. */
export async function readOperatorFiles(home: string): Promise<OperatorFiles> {
  const read = async (name: string) => {
    const path = join(home, 'operator', name)
    return readFile(path).catch((cause) => {
      throw new FederationError('permission-denied', `the operator certificate cannot be read: ${path}`, { cause })
    })
  }
  const [authority, key, certificate] = await Promise.all([
    read('authority.pem'),
    read('key.pem'),
    read('certificate.pem'),
  ])
  return { authority, key, certificate }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
