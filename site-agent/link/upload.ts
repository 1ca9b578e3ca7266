/**
 * An upload that goes on where the coordinator has it. A chunk leaves once the one before is acknowledged, so that one
 * chunk is all a cut can cost. (Node can also overlook a reset connection for as long as more than one write is under way
 * on it.)
 */
import { type FileHandle, open } from 'node:fs/promises'
import { FederationError } from '@consilium/protos/errors.ts'
import { hashBytes } from '@consilium/protos/fields.ts'
import type { UploadPart } from '@consilium/protos/gen/consilium/v1/UploadPart.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'
import { wireMaskedInput } from '@consilium/protos/secagg/wire-messages.ts'
import type { Sender, Wire } from './wire.ts'

export type UploadFile = {
  readonly planHash: Sha256
  readonly path: string
  readonly sha256: Sha256
  readonly size: number
  /** Hash of the study, for the ledger. */
  readonly study: string
  /** In secure mode: what the site signed about the masked vectors in the file. */
  readonly masked?: MaskedInput
}

/** One attempt, from the offset the coordinator tells. `onKept` is called as it acknowledges. */
export async function uploadFile(
  wire: Wire,
  file: UploadFile,
  onKept: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { planHash, study, size } = file
  const { offset, complete } = await wire.unary(
    federationTypes().Federation.service.UploadOffset,
    { planHash: hashBytes(planHash) },
    { kind: 'upload-offset', study },
  )
  if (offset > size)
    throw new FederationError('message-invalid', `the coordinator has ${offset} bytes of an update of ${size}`)
  if (!complete) await sendFrom(wire, file, offset, onKept, signal)
  onKept(size)
}

async function sendFrom(
  wire: Wire,
  file: UploadFile,
  offset: number,
  onKept: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { planHash, sha256, study, size, masked } = file
  await using handle = await open(file.path, 'r')
  const acknowledged = keepCount(offset)
  const { sender, done } = wire.duplex(
    federationTypes().Federation.service.Upload,
    {
      onReply({ size: kept }) {
        if (kept < acknowledged.count() || kept > size)
          throw new FederationError('message-invalid', `the coordinator acknowledged ${kept} of ${size} bytes`)
        acknowledged.raise(kept)
        onKept(kept)
      },
    },
    signal,
  )
  const ended = done.finally(acknowledged.end)
  // The call may break while a chunk is read, with nobody waiting for its end yet.
  ended.catch(() => {})
  const typed: Sender<UploadPart> = sender
  const label = { kind: 'upload', study }
  try {
    const header = {
      planHash: hashBytes(planHash),
      sha256: hashBytes(sha256),
      size,
      offset,
      ...(masked ? { masked: wireMaskedInput(masked) } : {}),
    }
    typed.send({ header }, label)
    for (let sent = offset; sent < size && (await acknowledged.reach(sent)); ) {
      const chunk = await readAt(handle, sent, Math.min(chunkBytesMax, size - sent), file.path)
      typed.send({ chunk }, label)
      sent += chunk.length
    }
    sender.end()
    await ended
    if (acknowledged.count() !== size)
      throw new FederationError('link-down', `the upload ended with ${acknowledged.count()} of ${size} bytes kept`)
  } finally {
    sender.cancel()
  }
}

/** A count that only grows, and can be waited for. */
function keepCount(start: number) {
  let count = start
  let isEnded = false
  let wake = () => {}
  return {
    count: () => count,
    raise(to: number) {
      count = to
      wake()
    },
    end() {
      isEnded = true
      wake()
    },
    /** True once the count is there; false where it never will be. */
    async reach(target: number): Promise<boolean> {
      while (count < target && !isEnded)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return !isEnded
    },
  }
}

async function readAt(handle: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0)
      throw new FederationError('store-failed', `${path} became shorter while it was uploaded: it must not be changed`)
    filled += bytesRead
  }
  return buffer
}
