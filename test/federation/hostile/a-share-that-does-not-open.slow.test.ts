/**
 * A site that deals a peer a share that does not open, or not the one committed to: the peer complains.
 */
import { randomBytes } from 'node:crypto'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { type Of, shared } from '../../support/hostile/bent-messages.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import type { SiteLies } from '../../support/hostile/site.ts'

test.for([
  {
    what: 'that does not open',
    bend: (message: Of<'share-keys'>) => ({
      ...message,
      rows: message.rows.map((row) => (row.index === 3 ? { ...row, sealed: randomBytes(136) } : row)),
    }),
  },
  {
    what: 'that is not the one committed to',
    bend: (message: Of<'share-keys'>) => ({
      ...message,
      rows: message.rows.map((row) => (row.index === 3 ? { ...row, keyCommitment: randomBytes(32) } : row)),
    }),
  },
])('a peer complains of a share $what, and the round goes on without the peer', async ({ bend }) => {
  const lies: SiteLies = { say: (message, at) => [message.type === 'share-keys' ? shared(bend(message), at) : message] }
  await using federation = await hostileFederation({ sites: { zurich: lies } })
  const view = await federation.run()
  expect(view.rounds[0]).toMatchObject({ survivors: ['basel', 'cleveland', 'zurich'] })
  expect(refusalsOf(federation, 'hungary', 1)).toEqual(['shares-invalid'])
  const entries = await federation.entries(runStream(view.run))
  expect(entries.filter(({ type }) => type === 'complaint-received').map(({ body }) => body)).toContainEqual(
    expect.objectContaining({ site: 'hungary', against: 'zurich' }),
  )
  expect(await leaks(federation)).toEqual([])
})
