/** Checks of single fields: every value a caller sends has a size and a shape, or the call is refused. */
import { FederationError } from '@consilium/protos/errors.ts'
import { objectBytesMax } from '@consilium/protos/limits.ts'
import { type Sha256, type SiteName, siteNameSchema } from '@consilium/protos/plan/names.ts'

export function invalid(field: string, expected: string): FederationError {
  return new FederationError('message-invalid', `${field}: expected ${expected}`)
}

/** 32 bytes as 64 hexadecimal digits. */
export function hashField(bytes: Uint8Array | null | undefined, field: string): Sha256 {
  return Buffer.from(bytesField(bytes, field, 32, 32)).toString('hex')
}

export function bytesField(
  bytes: Uint8Array | null | undefined,
  field: string,
  bytesMin: number,
  bytesMax: number,
): Uint8Array {
  if (!bytes || bytes.length < bytesMin || bytes.length > bytesMax)
    throw invalid(field, bytesMin === bytesMax ? `${bytesMin} bytes` : `${bytesMin} to ${bytesMax} bytes`)
  return bytes
}

export function textField(text: string, field: string, charactersMax: number): string {
  if (text.length > charactersMax) throw invalid(field, `at most ${charactersMax} characters`)
  return text
}

export function choiceField<const Choice extends string>(
  text: string,
  field: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((one) => one === text)
  if (choice === undefined) throw invalid(field, choices.join(' or '))
  return choice
}

/** A count of bytes, steps or rows: an integer from 0 to `max`. */
export function countField(count: number, field: string, max = objectBytesMax): number {
  if (!Number.isSafeInteger(count) || count < 0 || count > max) throw invalid(field, `an integer from 0 to ${max}`)
  return count
}

export function siteField(name: string): SiteName {
  const parsed = siteNameSchema.safeParse(name)
  if (!parsed.success) throw invalid('site', 'lower-case letters, digits and hyphens, at most 63')
  return parsed.data
}
