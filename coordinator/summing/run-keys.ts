/** The X25519 key pair of a run: its secret half leaves the key vault only while updates are opened. */
import type { RunId } from '@consilium/protos/plan/names.ts'
import { generateRunKeyPair, type RunKeyPair } from '@consilium/protos/sealing/sealed-update.ts'
import type { KeyVault } from '../store/key-vault.ts'

export type SealedRunKey = { readonly publicKey: string; readonly sealedSecretKey: string }

export async function makeRunKey(vault: KeyVault, run: RunId): Promise<SealedRunKey> {
  const { publicKey, secretKey } = generateRunKeyPair()
  const sealed = await vault.seal(secretKey, contextOf(run))
  secretKey.fill(0)
  return {
    publicKey: Buffer.from(publicKey).toString('base64'),
    sealedSecretKey: Buffer.from(sealed).toString('base64'),
  }
}

export async function openRunKey(vault: KeyVault, run: RunId, sealed: SealedRunKey): Promise<RunKeyPair> {
  const secretKey = await vault.open(Buffer.from(sealed.sealedSecretKey, 'base64'), contextOf(run))
  return { publicKey: Buffer.from(sealed.publicKey, 'base64'), secretKey }
}

function contextOf(run: RunId): Record<string, string> {
  return { purpose: 'run-key', run }
}
