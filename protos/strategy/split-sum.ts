/** A committed sum as it is stored and sent: header and content, one after the other, as in every upload. */
import { FederationError } from '../errors.ts'
import { headerName } from '../secagg/header.ts'
import { type SecureVector, secureUploadBytes } from '../secagg/vectors.ts'

/** Header, int32 [16], and content, int32 [n], from little-endian bytes; throws `update-invalid` for another length. */
export function splitSum(bytes: Uint8Array, vectors: readonly SecureVector[]): [Int32Array, Int32Array] {
  const [first, second] = vectors
  if (first?.name !== headerName || !second || vectors.length !== 2)
    throw new FederationError('internal', 'a sum is a header and one vector')
  if (bytes.length !== secureUploadBytes(vectors))
    throw new FederationError('update-invalid', `the sum has ${bytes.length} bytes, not those of what was masked`)
  // A copy, since words need their bytes aligned.
  const words = new Int32Array(new Uint8Array(bytes).buffer)
  return [words.subarray(0, first.words), words.subarray(first.words)]
}
