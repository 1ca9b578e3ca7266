/**
 * The upload of a masked or sealed update: chunks go to the service one by one, and each is acknowledged once it is
 * staged. A site keeps at most one chunk unacknowledged, so a cut anywhere costs at most that much.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { invalid } from '@consilium/protos/fields.ts'
import type { UploadPart__Output } from '@consilium/protos/gen/consilium/v1/UploadPart.ts'
import type { UploadReply } from '@consilium/protos/gen/consilium/v1/UploadReply.ts'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Caller, FederationService, UploadHeader } from '../services.ts'
import { uploadChunk, uploadHeader } from './federation-messages.ts'

type UploadCall = ServerDuplexStream<UploadPart__Output, UploadReply>

export async function upload(service: FederationService, caller: Caller, call: UploadCall): Promise<void> {
  const parts: AsyncIterator<UploadPart__Output> = call[Symbol.asyncIterator]()
  const header = uploadHeader(await next(parts))
  const { size } = await service.upload(
    caller,
    header,
    chunksOf(parts, header, (keptBytes) => call.write({ size: keptBytes })),
  )
  call.write({ size })
  call.end()
}

/** The iterator of `parts` is never returned to the call: that would close it before the last reply. */
async function* chunksOf(
  parts: AsyncIterator<UploadPart__Output>,
  header: UploadHeader,
  acknowledge: (keptBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let keptBytes = header.offset
  while (keptBytes < header.size) {
    const part = await next(parts)
    if (part === undefined) throw new FederationError('link-down', 'the upload ended before its last chunk')
    const chunk = uploadChunk(part)
    if (keptBytes + chunk.length > header.size)
      throw invalid('chunk', `no more than the ${header.size} bytes announced`)
    // Resumed when the service asks for the next chunk, that is, when this one is staged.
    yield chunk
    keptBytes += chunk.length
    if (keptBytes < header.size) acknowledge(keptBytes)
  }
}

async function next(parts: AsyncIterator<UploadPart__Output>): Promise<UploadPart__Output | undefined> {
  try {
    const { done, value } = await parts.next()
    return done === true ? undefined : value
  } catch (cause) {
    throw new FederationError('link-down', 'the site was cut off', { cause })
  }
}
