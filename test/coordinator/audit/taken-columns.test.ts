/**
 * A run whose means came from another one's statistics, as an auditor reads it: its bundle carries what proves them, and a
 * coordinator that writes others is found out, with the sums and without.
 */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { chainStart, entryHash, logEntrySchema } from '@consilium/protos/log/entry.ts'
import type { RoundPlan, Summed } from '@consilium/protos/plan/round-plan.ts'
import { beforeAll, expect, test } from 'vitest'
import { type BundleSource, bundleLines } from '../../../coordinator/audit/bundle.ts'
import { type BundleReport, verifyBundle } from '../../../coordinator/audit/verify-bundle.ts'
import { linesOf } from '../../../coordinator/cli/log-source.ts'
import { collect } from '../../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../../support/coordinator-fixture.ts'

type Taken = { summed: Summed; plan: RoundPlan }

let fixture: CoordinatorFixture
let sites: Record<string, string>
let run = ''

beforeAll(async () => {
  fixture = await coordinatorFixture()
  const joined = await fixture.sites()
  sites = Object.fromEntries(joined.map(({ name, identity }) => [name, fingerprint(identity.publicKey)]))
  const first = await fixture.startRun({ rounds: 1, cohort: { min: 3, quorum: 3 } })
  await fixture.runWhere(first.run, hasEnded)
  run = (await fixture.startRun({ rounds: 1, cohort: { min: 3, quorum: 3 } })).run
  await fixture.runWhere(run, hasEnded)
})

function source({ admin, objects }: CoordinatorFixture): BundleSource {
  return {
    signedHead: (stream) => admin.signedHead(stream),
    async *readLog(stream) {
      for await (const entry of admin.readLog(stream)) yield canonicalJson(entry)
    },
    async *fetchObject(sha256) {
      yield await objects.get(sha256)
    },
  }
}

/** The bundle with another story of what was taken; its entries are chained anew up to there, and nothing follows. */
async function audited(tell: (taken: Taken) => Taken = (taken) => taken, sums = true): Promise<BundleReport> {
  const lines = await collect(bundleLines(source(fixture), run, { sums }))
  const told = retold(lines, tell)
  return verifyBundle(linesOf([Buffer.from(told.map((line) => `${line}\n`).join(''))]), {
    coordinator: fingerprint(fixture.identity.publicKey),
    sites,
  })
}

function retold(lines: readonly string[], tell: (taken: Taken) => Taken): string[] {
  let head = chainStart.head
  return lines.map((line) => {
    const value = JSON.parse(line)
    const entry = logEntrySchema.safeParse(value.entry)
    if (!entry.success || entry.data.stream === 'federation') return line
    const { hash: _, ...rest } = entry.data
    const body = rest.type === 'columns-taken' ? { ...rest.body, ...tell(rest.body as Taken) } : rest.body
    const next = { ...rest, body, previous: head }
    const hash = entryHash(next as never)
    head = hash
    return canonicalJson({ entry: { ...next, hash } }).toString('utf8')
  })
}

test('it holds, and says from which run the means came and who vouches for them', async () => {
  const report = await audited()
  expect(report).toMatchObject({ errors: [], ok: true, state: 'finished' })
  expect(report.taken).toMatchObject([{ run: 'heart-disease-1', vouchers: 4, remade: true }])
  expect(report.rounds.map(({ purpose }) => purpose)).toEqual(['train', 'evaluate'])
  expect((await audited((taken) => taken, false)).taken).toMatchObject([{ vouchers: 4, remade: false }])
})

test.for([
  ['other means', (taken: Taken) => withSummed(taken, { columns: shifted(taken.summed) }), 'did not sign'],
  [
    'other columns',
    (taken: Taken) => withSummed(taken, { columns: taken.summed.columns.slice(1) }),
    'sums other columns',
  ],
  ['another run', (taken: Taken) => withSummed(taken, { run: 'heart-disease-9' }), 'refers to no statistics'],
  [
    'too few words',
    (taken: Taken) => withSummed(taken, { verified: taken.summed.verified.slice(1, 2) }),
    '1 sites vouch',
  ],
  ['one word twice', (taken: Taken) => withSummed(taken, { verified: twice(taken.summed) }), '1 sites vouch'],
  ['another plan', ({ summed, plan }: Taken) => ({ summed, plan: { ...plan, round: 1 } }), 'has another hash'],
] as const)(
  'a coordinator that writes %s of those statistics is found out, without the sums too',
  async ([, tell, why]) => {
    for (const sums of [true, false]) {
      const { ok, errors } = await audited(tell, sums)
      expect(ok).toBe(false)
      expect(errors[0]).toContain(why)
    }
  },
)

function withSummed({ summed, plan }: Taken, changes: Partial<Summed>): Taken {
  return { summed: { ...summed, ...changes }, plan }
}

function shifted({ columns }: Summed): Summed['columns'] {
  return columns.map((column) => ({ ...column, means: column.means.map((mean) => mean + 1) }))
}

function twice({ verified: [first] }: Summed): Summed['verified'] {
  return [first!, first!]
}
