/**
 * A training in progress, kept in the outbox until the work is done or its round over, so that an agent that was killed
 * goes on in its round: sealed in frames (AES-256-GCM) under a key that follows from the site's identity, and bound to the
 * plan. What cannot be kept or read is told, and costs the steps, not the round; after a power cut that may be so.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import { sha256Schema } from '@consilium/protos/plan/names.ts'
import { frameBytes, openFrame, sealFrame, tagBytes } from '@consilium/protos/sealing/frames.ts'
import { z } from 'zod'
import { writePiecesQuickly } from '../durable-file.ts'
import { faultOf } from '../fault.ts'
import type { TrainCheckpoint } from '../train/trainer.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { ownKey } from './own-keys.ts'
import type { Site } from './site.ts'

export type CheckpointKeeper = {
  /** Where the work on this plan stood; undefined where nothing was kept, or it cannot be read any more. */
  read(): TrainCheckpoint | undefined
  /** Resolves with how long it took, milliseconds; where it failed, with as much as lets the next wait for a while. */
  keep(checkpoint: TrainCheckpoint): Promise<number>
  /** Resolves once nothing is being written. */
  settled(): Promise<void>
}

/** A larger training state is not kept: it would stand in memory twice. */
const stateBytesMax = 512 * 1024 * 1024
/** What a failed attempt counts: the next one comes after a minute of training. */
const failedMs = 3_000
/** What a state that is too large counts. */
const neverMs = 24 * 60 * 60 * 1000
const saltBytes = 32

const headSchema = z.strictObject({
  steps: z.int().min(0),
  lossSum: z.number(),
  parameters: z.int().min(0).max(stateBytesMax),
  optimizerState: z.int().min(0).max(stateBytesMax),
  data: sha256Schema,
})

export function checkpointKeeper(
  assignment: Assignment,
  { store, identity, emit, now }: Pick<Site, 'store' | 'identity' | 'emit' | 'now'>,
): CheckpointKeeper {
  const { planHash, plan } = assignment
  const path = store.outbox.checkpointPath(planHash)
  const context = Buffer.from(planHash, 'hex')
  const keyOf = (salt: Uint8Array) => ownKey(identity, 'checkpoint', salt)
  let last: Promise<number> = Promise.resolve(0)
  let hasTold = false

  /** Told once for each work: a full disk stays full. */
  function tell(error: unknown, what: string): void {
    if (hasTold) return
    hasTold = true
    emit({ type: 'checkpoint-failed', reason: `${what}: ${faultOf(error).message}`, ...inRound(planHash, plan) })
  }

  async function write(checkpoint: TrainCheckpoint): Promise<number> {
    const startMs = now().getTime()
    try {
      await writePiecesQuickly(path, sealed(checkpoint, keyOf, context))
      return Math.max(0, now().getTime() - startMs)
    } catch (error) {
      tell(error, 'training goes on, but would begin anew after a crash')
      removePartial(path)
      return errorCode(error) === 'limit-exceeded' ? neverMs : failedMs
    }
  }

  return {
    read() {
      try {
        return existsSync(path) ? opened(readFileSync(path), keyOf, context) : undefined
      } catch (error) {
        tell(error, 'what was kept of this work cannot be read, so it begins anew')
        return undefined
      }
    },
    keep(checkpoint) {
      last = last.then(() => write(checkpoint))
      return last
    },
    async settled() {
      await last
    },
  }
}

/** What a full disk has taken of it is in the way of what matters more. */
function removePartial(path: string): void {
  try {
    rmSync(`${path}.partial`, { force: true })
  } catch {
    // Nothing can be written here, so nothing was.
  }
}

type KeyOf = (salt: Uint8Array) => Uint8Array

/** The salt; then frames of the head, as JSON in one of its own, and of parameters and optimizer state. */
function* sealed(checkpoint: TrainCheckpoint, keyOf: KeyOf, context: Uint8Array): Generator<Uint8Array> {
  const { parameters, optimizerState, ...rest } = checkpoint
  const state = [parameters, optimizerState]
  const stateBytes = parameters.byteLength + optimizerState.byteLength
  if (stateBytes > stateBytesMax)
    throw new FederationError('limit-exceeded', `its state has ${stateBytes} bytes, at most ${stateBytesMax} are kept`)
  const head = { ...rest, parameters: parameters.length, optimizerState: optimizerState.length }
  const salt = randomBytes(saltBytes)
  const key = keyOf(salt)
  yield salt
  const plain = [Buffer.from(JSON.stringify(head)), ...state.flatMap((values) => [...frames(values)])]
  for (const [index, bytes] of plain.entries()) {
    const frame = sealFrame(key, { index, isLast: index === plain.length - 1 }, context, bytes)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    yield length
    yield frame
  }
}

function* frames(values: Float32Array): Generator<Uint8Array> {
  for (let at = 0; at < values.byteLength; at += frameBytes)
    yield new Uint8Array(values.buffer, values.byteOffset + at, Math.min(frameBytes, values.byteLength - at))
}

/** Throws where a byte is missing, added or changed. */
function opened(file: Buffer, keyOf: KeyOf, context: Uint8Array): TrainCheckpoint {
  const key = keyOf(file.subarray(0, saltBytes))
  const plain: Buffer[] = []
  for (let at = saltBytes; at < file.length; ) {
    const end = at + 4 + (at + 4 <= file.length ? file.readUInt32BE(at) : 0)
    if (end > file.length || end < at + 4 + tagBytes) throw new FederationError('store-failed', 'the file is cut short')
    const place = { index: plain.length, isLast: end === file.length }
    plain.push(openFrame(key, place, context, file.subarray(at + 4, end)))
    at = end
  }
  const [headJson, ...rest] = plain
  if (!headJson) throw new FederationError('store-failed', 'the file is empty')
  const head = headSchema.parse(JSON.parse(headJson.toString('utf8')))
  // A copy, since a Float32Array needs its bytes aligned.
  const values = new Float32Array(new Uint8Array(Buffer.concat(rest)).buffer)
  if (values.length !== head.parameters + head.optimizerState)
    throw new FederationError('store-failed', 'the file is of another length than it says')
  const parameters = values.subarray(0, head.parameters)
  return { ...head, parameters, optimizerState: values.subarray(head.parameters) }
}
