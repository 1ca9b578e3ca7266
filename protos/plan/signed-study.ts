/**
 * The signed study: manifest (the study, the hash of its forward graph, the layout and hash of its initial parameters)
 * and the lead's signature over its hash. It is what a site shows, approves and checks again before each round.
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson, labelledHash } from '../hash.ts'
import { fingerprint, type Identity, sign, verifySignature } from '../identity.ts'
import { objectBytesMax, planBytesMax } from '../limits.ts'
import { base64Schema, type Sha256, sha256Schema } from './names.ts'
import { studySchema } from './study.ts'

export const tensorLayoutSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(512),
      dims: z
        .array(
          z
            .int()
            .min(0)
            .max(2 ** 31),
        )
        .max(16),
    }),
  )
  .max(100_000)

/** Names and dimensions of the trainable tensors, in the order in which they follow each other in the flat vector. */
export type TensorLayout = z.output<typeof tensorLayoutSchema>

const objectSchema = z.strictObject({ sha256: sha256Schema, bytes: z.int().min(1).max(objectBytesMax) })

export const studyManifestSchema = z.strictObject({
  format: z.literal(1),
  study: studySchema,
  /** The forward graph, an ONNX file. */
  graph: objectSchema,
  layout: tensorLayoutSchema,
  /** Initial parameters: float32, little-endian, tensors in layout order. */
  initialParameters: objectSchema,
})

export const signedStudySchema = z.strictObject({
  manifest: studyManifestSchema,
  /** Ed25519 public key of the research lead. */
  lead: base64Schema(32),
  signature: base64Schema(64),
})

export type StudyManifest = z.output<typeof studyManifestSchema>
export type SignedStudy = z.output<typeof signedStudySchema>

/** The hash that names a new study everywhere: H("study", canonical manifest), hexadecimal. */
export function studyHash(manifest: StudyManifest): Sha256 {
  return hashOfManifest(manifest)
}

export function signStudy(manifest: StudyManifest, lead: Identity): SignedStudy {
  const signature = sign(lead, 'study', Buffer.from(studyHash(manifest), 'hex'))
  return {
    manifest,
    lead: Buffer.from(lead.publicKey).toString('base64'),
    signature: Buffer.from(signature).toString('base64'),
  }
}

/** `hash` is of the manifest as it was signed; `manifest` has the defaults of this version filled in. */
export type ReadStudy = SignedStudy & { readonly hash: Sha256 }

/** Parses and verifies a signed study from its JSON bytes; throws `message-invalid` or `signature-invalid`. */
export function readSignedStudy(bytes: Uint8Array): ReadStudy {
  if (bytes.length > planBytesMax)
    throw new FederationError(
      'limit-exceeded',
      `a signed study has at most ${planBytesMax} bytes, this one ${bytes.length}`,
    )
  const json = parseJson(bytes)
  const parsed = signedStudySchema.safeParse(json)
  if (!parsed.success)
    throw new FederationError('message-invalid', `not a signed study: ${z.prettifyError(parsed.error)}`)
  const { manifest, lead, signature } = parsed.data
  // A default that a later version adds is not in what was signed.
  const hash = hashOfManifest((json as { manifest: object }).manifest)
  if (
    !verifySignature(Buffer.from(lead, 'base64'), Buffer.from(signature, 'base64'), 'study', Buffer.from(hash, 'hex'))
  )
    throw new FederationError(
      'signature-invalid',
      `the lead's signature over study ${manifest.study.name} does not verify`,
    )
  return { ...parsed.data, hash }
}

/** Fingerprint of the lead who signed. */
export function leadFingerprint(signed: SignedStudy): string {
  return fingerprint(Buffer.from(signed.lead, 'base64'))
}

/** Number of scalars in the flat parameter vector. */
export function parameterCount(layout: TensorLayout): number {
  return layout.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0)
}

function hashOfManifest(manifest: object): Sha256 {
  return labelledHash('study', canonicalJson(manifest)).toString('hex')
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new FederationError('message-invalid', 'this message is not JSON')
  }
}
