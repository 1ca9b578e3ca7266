/** Names and hashes as they stand in messages, events and files. */
import { z } from 'zod'

/** A site's name, chosen by the operator when it is added; also the common name of its certificate. */
export const siteNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63')
export const runIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,80}$/)
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
/** Standard base64 with padding, in its one form: the bits that the last digit does not need are zero. */
export const base64Schema = (bytes: number) =>
  z.base64().refine((text) => {
    const decoded = Buffer.from(text, 'base64')
    return decoded.length === bytes && decoded.toString('base64') === text
  }, `${bytes} bytes in base64`)

export type SiteName = z.output<typeof siteNameSchema>
export type RunId = z.output<typeof runIdSchema>
/** Lower-case hexadecimal SHA-256. */
export type Sha256 = z.output<typeof sha256Schema>

/** What a round is for: the first exchange of a run yields statistics; then training and evaluation alternate. */
export const purposeSchema = z.enum(['statistics', 'train', 'evaluate'])
export type Purpose = z.output<typeof purposeSchema>
