/** Bytes that are no messages, from a client with a site's own certificate: their streams end, and the round goes on. */
import { expect, test } from 'vitest'
import type { FrameLie } from '../../../support/hostile/bent-frames.ts'
import { hostileFederation } from '../../../support/hostile/federation.ts'
import { liesIn } from '../../../support/hostile/lies-in.ts'
import { leaks } from '../../../support/hostile/secrecy.ts'

test('malformed frames end their own streams, in the middle of a round that goes on', async () => {
  const lies = await liesIn<FrameLie>(import.meta.dirname)
  const frames = (['Attend', 'Upload'] as const).flatMap((method) => lies.map((lie) => ({ method, ...lie })))
  const outcomes: { readonly method: string; readonly what: string; readonly ends: string }[] = []
  await using federation = await hostileFederation({
    sites: {
      zurich: {
        async upload(upload, { frame, put }) {
          for (const { method, what, lie } of frames) {
            const { status, code } = await frame(method, lie.bytes())
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
  expect(outcomes.slice(0, frames.length)).toEqual(
    frames.map(({ method, what, lie }) => ({ method, what, ends: lie.ends })),
  )
  expect(await leaks(federation)).toEqual([])
})
