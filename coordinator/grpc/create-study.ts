/** The parts of CreateStudy put together: the signed study, then each object, complete and with the hash announced. */
import { FederationError } from '@consilium/protos/errors.ts'
import { bytesField, countField, hashField, invalid } from '@consilium/protos/fields.ts'
import type { CreateStudyPart__Output } from '@consilium/protos/gen/consilium/v1/CreateStudyPart.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { chunkBytesMax, graphBytesMax, planBytesMax } from '@consilium/protos/limits.ts'
import type { AdminService, StudyView } from '../services.ts'

type Parts = AsyncIterator<CreateStudyPart__Output>

export async function createStudy(service: AdminService, parts: Parts): Promise<StudyView> {
  const first = await parts.next()
  const signedStudy = bytesField(first.done ? undefined : first.value.signedStudy, 'signed_study', 1, planBytesMax)
  return await service.createStudy(signedStudy, objects(parts))
}

async function* objects(parts: Parts): AsyncGenerator<Uint8Array> {
  for (let part = await parts.next(); !part.done; part = await parts.next()) {
    const { object } = part.value
    if (!object) throw invalid('part', 'the start of an object')
    const sha256 = hashField(object.sha256, 'sha256')
    const bytes = await collect(parts, countField(object.size, 'size', graphBytesMax))
    if (sha256Hex(bytes) !== sha256)
      throw new FederationError('hash-mismatch', `object ${sha256} arrived damaged: create the study again`)
    yield bytes
  }
}

async function collect(parts: Parts, size: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let left = size; left > 0; ) {
    const part = await parts.next()
    const chunk = bytesField(part.done ? undefined : part.value.chunk, 'chunk', 1, Math.min(left, chunkBytesMax))
    chunks.push(chunk)
    left -= chunk.length
  }
  return Buffer.concat(chunks)
}
