/** Keeps small secrets (the keys of runs) sealed at rest: a local key file, or a KMS. */
export interface KeyVault {
  /** Encrypts `secret` (at most 4 KiB) bound to `context`. */
  seal(secret: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array>
  /** Rejects with `store-failed` where the sealed bytes, the key or the context differ. */
  open(sealed: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array>
}
