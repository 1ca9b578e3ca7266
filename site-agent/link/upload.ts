/**
 * An upload that goes on where the coordinator has it: chunks are acknowledged one by one, and at most `chunkBytesMax`
 * bytes are ever unacknowledged, so that is all a cut can cost.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { FederationError } from '@consilium/protos/errors.ts'
import type { UploadPart } from '@consilium/protos/gen/consilium/v1/UploadPart.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Sender, Wire } from './wire.ts'

export type UploadFile = {
  readonly planHash: Sha256
  readonly path: string
  readonly sha256: Sha256
  readonly size: number
  /** Hash of the study, for the ledger. */
  readonly study: string
}

/** Payload of one message; several are on their way at a time. */
const messageBytes = chunkBytesMax / 4

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
    { planHash: Buffer.from(planHash, 'hex') },
    { kind: 'upload-offset', study },
  )
  if (offset > size)
    throw new FederationError('offset-mismatch', `the coordinator has ${offset} bytes of an update of ${size}`)
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
  const { planHash, sha256, study, size } = file
  const pace = openPace(offset)
  const ended = new AbortController()
  const { sender, done } = wire.duplex(
    federationTypes().Federation.service.Upload,
    {
      onReply({ size: kept }) {
        if (!Number.isSafeInteger(kept) || kept < offset || kept > size)
          throw new FederationError('message-invalid', `the coordinator acknowledged ${kept} of ${size} bytes`)
        pace.keep(kept)
        onKept(kept)
      },
    },
    signal,
  )
  const settled = done.finally(() => {
    ended.abort()
    pace.end()
  })
  settled.catch(() => {})
  const header = { planHash: Buffer.from(planHash, 'hex'), sha256: Buffer.from(sha256, 'hex'), size, offset }
  const label = { kind: 'upload', study }
  const handle = await open(file.path, 'r')
  try {
    const typed: Sender<UploadPart> = sender
    typed.send({ header }, label)
    for (let sent = offset; sent < size; ) {
      const chunk = await readAt(handle, sent, Math.min(messageBytes, size - sent), file.path)
      await pace.roomAfter(sent + chunk.length)
      if (ended.signal.aborted) break
      typed.send({ chunk }, label)
      sent += chunk.length
    }
    sender.end()
    await settled
    if (pace.kept() !== size)
      throw new FederationError('link-down', `the upload ended with ${pace.kept()} of ${size} bytes kept`)
  } catch (error) {
    sender.cancel()
    throw error
  } finally {
    await handle.close()
  }
}

/** Holds the sender back while more than a chunk would be unacknowledged. */
function openPace(offset: number) {
  let kept = offset
  let isEnded = false
  let resume: (() => void) | undefined
  return {
    kept: () => kept,
    keep(bytes: number) {
      kept = bytes
      resume?.()
    },
    end() {
      isEnded = true
      resume?.()
    },
    async roomAfter(sent: number): Promise<void> {
      while (!isEnded && sent - kept > chunkBytesMax)
        await new Promise<void>((resolve) => {
          resume = resolve
        })
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
