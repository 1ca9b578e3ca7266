/** Files that hold a private key beside its certificate: readable by their owner only, replaced as a whole or not at all. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KeyAndCertificate } from './issue.ts'

export type KeyFiles = { readonly key: string; readonly certificate: string }

/** Undefined where one of the two is not there. */
export async function readKeyFiles(files: KeyFiles): Promise<KeyAndCertificate | undefined> {
  try {
    const [keyPem, certificatePem] = await Promise.all([
      readFile(files.key, 'utf8'),
      readFile(files.certificate, 'utf8'),
    ])
    return { keyPem, certificatePem }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The certificate is written last: where it is, its key is. */
export async function writeKeyFiles(files: KeyFiles, { keyPem, certificatePem }: KeyAndCertificate): Promise<void> {
  await writePrivateFile(files.key, keyPem)
  await writePrivateFile(files.certificate, certificatePem)
}

export async function writePrivateFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.new`
  await writeFile(fresh, text, { mode: 0o600, flush: true })
  await rename(fresh, path)
}
