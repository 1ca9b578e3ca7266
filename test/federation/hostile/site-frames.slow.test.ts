/** Bytes that are no messages, from a client with a site's own certificate: their streams end, and the round goes on. */
import { randomBytes } from 'node:crypto'
import { messageBytesMax } from '@consilium/protos/limits.ts'
import { expect, test } from 'vitest'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const tooLong = messageBytesMax + 1

/** What each stream gets, and how it ends. */
const frames = (['Attend', 'Upload'] as const).flatMap((method) => [
  { method, what: 'a field of a type that no message has', bytes: () => Buffer.from([0x0f]), ends: 'INTERNAL' },
  { method, what: 'a length beyond the frame', bytes: () => Buffer.from([0x0a, 0xff, 0xff, 0x03]), ends: 'INTERNAL' },
  {
    method,
    what: 'random bytes',
    bytes: () => Buffer.concat([Buffer.from([0x07]), randomBytes(999)]),
    ends: 'INTERNAL',
  },
  { method, what: 'no bytes at all', bytes: () => Buffer.alloc(0), ends: 'message-invalid' },
  { method, what: 'more than a message may have', bytes: () => Buffer.alloc(tooLong), ends: 'RESOURCE_EXHAUSTED' },
])

test('malformed frames end their own streams, in the middle of a round that goes on', async () => {
  const outcomes: { readonly method: string; readonly what: string; readonly ends: string }[] = []
  await using federation = await hostileFederation({
    sites: {
      zurich: {
        async upload(upload, { frame, put }) {
          for (const { method, what, bytes } of frames) {
            const { status, code } = await frame(method, bytes())
            outcomes.push({ method, what, ends: code ?? status })
          }
          return put(upload)
        },
      },
    },
  })
  const view = await federation.run({ evaluation: { bins: 8, everyRounds: 1 } })
  expect(view).toMatchObject({
    state: 'finished',
    rounds: [{ survivors: ['basel', 'cleveland', 'hungary', 'zurich'] }],
  })
  expect(outcomes.slice(0, frames.length)).toEqual(frames.map(({ method, what, ends }) => ({ method, what, ends })))
  expect(await leaks(federation)).toEqual([])
})
