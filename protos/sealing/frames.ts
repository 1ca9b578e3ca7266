/**
 * Bytes sealed in frames with AES-256-GCM, each with its own tag, its index and a last-frame mark in the nonce (the STREAM
 * construction, Hoang et al. 2015), so that a reader needs one frame of memory and notices truncation, reordering and
 * splicing. The key must be fresh for each sequence of frames.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { FederationError } from '../errors.ts'

/** Plain bytes in one frame. */
export const frameBytes = 1024 * 1024
export const tagBytes = 16

export type FramePlace = { readonly index: number; readonly isLast: boolean }

export function sealFrame(key: Uint8Array, place: FramePlace, context: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, frameNonce(place)).setAAD(context)
  const sealed = cipher.update(plain)
  cipher.final()
  return Buffer.concat([sealed, cipher.getAuthTag()])
}

/** Throws `update-invalid` where any byte, the key, the place or the context differs. */
export function openFrame(key: Uint8Array, place: FramePlace, context: Uint8Array, frame: Uint8Array): Buffer {
  if (frame.length < tagBytes) throw new FederationError('update-invalid', 'the sealed update is truncated')
  const decipher = createDecipheriv('aes-256-gcm', key, frameNonce(place)).setAAD(context)
  decipher.setAuthTag(frame.subarray(frame.length - tagBytes))
  const plain = decipher.update(frame.subarray(0, frame.length - tagBytes))
  try {
    decipher.final()
    return plain
  } catch (cause) {
    throw new FederationError('update-invalid', `frame ${place.index} of the sealed update does not open`, { cause })
  }
}

/** 12 bytes: seven zero, the frame's index (u32be), 1 in the last frame. */
function frameNonce({ index, isLast }: FramePlace): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(index, 7)
  nonce[11] = isLast ? 1 : 0
  return nonce
}
