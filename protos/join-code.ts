/** The join code an operator hands to a hospital's IT: where to dial, whom to trust, a one-time secret, an expiry. */
import { z } from 'zod'
import { FederationError } from './errors.ts'
import { base64Schema, sha256Schema, siteNameSchema } from './plan/names.ts'

export const joinCodeSchema = z.strictObject({
  /** host:port of the coordinator's site listener. */
  address: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/)
    .max(300),
  site: siteNameSchema,
  /** SHA-256 of the certificate authority's certificate (DER). */
  authority: sha256Schema,
  secret: base64Schema(32),
  expiresAt: z.iso.datetime(),
})

export type JoinCode = z.output<typeof joinCodeSchema>

const prefix = 'consilium-join-1.'

export function formatJoinCode(code: JoinCode): string {
  return prefix + Buffer.from(JSON.stringify(code), 'utf8').toString('base64url')
}

/** Throws `join-code-invalid` where the text is no join code (often: cut off while copying). */
export function parseJoinCode(text: string): JoinCode {
  const trimmed = text.trim()
  const invalid = (detail: string, cause?: unknown) =>
    new FederationError('join-code-invalid', `${detail}: copy the whole code, it starts with ${prefix}`, { cause })
  if (!trimmed.startsWith(prefix) || trimmed.length > 2000) throw invalid('this is not a join code')
  try {
    return joinCodeSchema.parse(JSON.parse(Buffer.from(trimmed.slice(prefix.length), 'base64url').toString('utf8')))
  } catch (cause) {
    throw invalid('this join code is damaged', cause)
  }
}
