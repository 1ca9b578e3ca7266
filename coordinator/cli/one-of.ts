/** A word of the coordinator that this program knows. */
import { FederationError } from '@consilium/protos/errors.ts'

/** Throws `message-invalid` for another. */
export function oneOf<Value extends string>(value: string, allowed: readonly Value[]): Value {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined)
    throw new FederationError(
      'message-invalid',
      `the coordinator says '${value}', this program knows ${allowed.join(', ')}: use the same version of both`,
    )
  return found
}
