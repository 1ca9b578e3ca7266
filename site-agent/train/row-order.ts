/**
 * The order in which rows train: every epoch a Fisher-Yates shuffle (Durstenfeld 1964) of the training rows, drawn from
 * an AES-256-CTR key stream, so that a key of the site's study and the round alone decide it, on every machine alike.
 */
import { createCipheriv } from 'node:crypto'
import { labelledHash } from '@consilium/protos/hash.ts'

/** Minibatches for the training step: `order` int64 [steps x batchSize] of row indices, `mask` 1 for a row, 0 for padding. */
export type Batches = { readonly order: BigInt64Array; readonly mask: Float32Array }

export type BatchSource = {
  /** The minibatches of the next `steps` steps; the last one of an epoch may be ragged, and is padded. */
  next(steps: number): Batches
  /** As if so many steps had been taken. */
  skip(steps: number): void
}

/** `key`: 32 bytes, of this study at this site. */
export type OrderSeed = { readonly key: Uint8Array; readonly round: number }

export function batchSource(rows: Int32Array, batchSize: number, seed: OrderSeed): BatchSource {
  const draw = numbersBelow(orderKey(seed))
  const epoch = rows.slice()
  let position = epoch.length

  function turnEpoch(): void {
    if (position < epoch.length) return
    // One batch of all rows needs no order: only sums are taken over it.
    if (batchSize < epoch.length) shuffle(epoch, draw)
    position = 0
  }

  return {
    skip(steps) {
      for (let step = 0; step < steps; step++) {
        turnEpoch()
        position += batchSize
      }
    },
    next(steps) {
      const order = new BigInt64Array(steps * batchSize)
      const mask = new Float32Array(steps * batchSize)
      for (let step = 0; step < steps; step++) {
        turnEpoch()
        for (let i = 0; i < batchSize; i++) {
          const row = epoch[position + i]
          order[step * batchSize + i] = BigInt(row ?? epoch[0]!)
          mask[step * batchSize + i] = row === undefined ? 0 : 1
        }
        position += batchSize
      }
      return { order, mask }
    },
  }
}

/** H("order", key, round): 32 bytes, the key of the stream. */
function orderKey({ key, round }: OrderSeed): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(round)
  return labelledHash('order', key, number)
}

function shuffle(values: Int32Array, draw: (bound: number) => number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    const value = values[i]!
    values[i] = values[j]!
    values[j] = value
  }
}

/** Uniform whole numbers in [0, bound), from little-endian 32-bit words of the stream; biased words are thrown away. */
function numbersBelow(key: Buffer): (bound: number) => number {
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(4096)
  let block = Buffer.alloc(0)
  let offset = 0
  const word = () => {
    if (offset >= block.length) {
      block = cipher.update(zeros)
      offset = 0
    }
    offset += 4
    return block.readUInt32LE(offset - 4)
  }
  return (bound) => {
    const limit = 2 ** 32 - (2 ** 32 % bound)
    let value = word()
    while (value >= limit) value = word()
    return value % bound
  }
}
