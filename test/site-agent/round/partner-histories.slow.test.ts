/**
 * Whatever changes of partners a lead and a coordinator that work together sign and show, to whom they like and in whatever
 * order: of the sites that signed nothing, the same ones are in any two sums that are opened, or none are (fedsum, E.4). So
 * no combination of evaluations tells of fewer of them than one does.
 */
import { DatabaseSync } from 'node:sqlite'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import {
  type PartnerWord,
  type SitesPartnerWord,
  signPartnerChange,
  signPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import { readSignedStudy, signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptNewest, type Deciding, offeredChange } from '../../../site-agent/partner-changes.ts'
import { settlePartners } from '../../../site-agent/round/partners.ts'
import { migrations } from '../../../site-agent/store/migrations.ts'
import { openPartnerChanges } from '../../../site-agent/store/partner-changes.ts'
import { openPartners } from '../../../site-agent/store/partners.ts'
import { aManifest } from '../../support/a-study.ts'

const lead = identityFromSeed(new Uint8Array(32).fill(5))
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const identities = new Map(names.map((name, i) => [name, identityFromSeed(new Uint8Array(32).fill(10 + i))]))
const manifest = aManifest()
const study = studyHash(manifest)
const signed = Buffer.from(JSON.stringify(signStudy(manifest, lead)))
const read = readSignedStudy(signed)
/** To end every migration's work once, not for each site of each history. */
const schema = migrations.join('\n')

type HonestSite = Deciding & { readonly emit: () => void }

function honestSite(name: string): HonestSite {
  const database = new DatabaseSync(':memory:')
  database.exec(schema)
  const now = () => new Date(0)
  const store = {
    partners: openPartners(database, now),
    partnerChanges: openPartnerChanges(database, now),
    roster: { pinned: (site: string) => identities.get(site)?.publicKey },
    studies: {
      find: () => ({ hash: study, name: 'heart', lead: 'lead', signed }),
      read: () => read,
      decisionOn: () => undefined,
    },
    sessions: { masked: () => [] },
    sessionLedger: { recovery: () => undefined, position: () => ({ epoch: 1 }) },
  }
  const secure = { partnerChangesMax: 99, evaluateExposuresMax: 99 }
  return { name, identity: identities.get(name)!, store, readPolicy: () => ({ secure }), emit: () => {} } as never
}

/** A set that was planned or signed before, without some and with some; who is shown it as a change; whether it is summed. */
type Step = {
  readonly of: number
  readonly drop: readonly string[]
  readonly add: readonly string[]
  readonly shownTo: readonly string[]
}

/** The sets whose sums are opened: everybody honest in one has masked for it. */
function opened(
  steps: readonly Step[],
  signing: readonly string[],
  colluding: readonly string[],
  byPeople = false,
): string[][] {
  const sites = new Map(names.filter((name) => !colluding.includes(name)).map((name) => [name, honestSite(name)]))
  const pool: string[][] = [names]
  const sums: string[][] = []
  for (const { of, drop, add, shownTo } of [{ of: 0, drop: [], add: [], shownTo: [] }, ...steps]) {
    const before = pool[of % pool.length]!
    const after = names.filter((name) => add.includes(name) || (before.includes(name) && !drop.includes(name)))
    if (after.length < 3) continue
    pool.push(after)
    for (const name of shownTo) if (sites.has(name)) show(sites.get(name)!, before, after, signing, byPeople)
    const honest = after.filter((name) => sites.has(name))
    if (honest.map((name) => masks(sites.get(name)!, after)).every(Boolean)) sums.push(after)
  }
  return sums
}

/** The lead signs for this site alone; whoever signs at all signs whatever is asked. */
function show(
  site: HonestSite,
  before: string[],
  after: string[],
  signing: readonly string[],
  byPeople: boolean,
): void {
  if (before.join() === after.join()) return
  const { partnerChanges } = site.store
  const number = partnerChanges.list(study).length + 1
  const offer = signPartnerChange({ format: 1, study, number, sets: [{ purpose: 'evaluate', before, after }] }, lead)
  const change = (hash: string) => ({ word: 'join', study, change: hash }) as const
  const leave = (since: number) => ({ word: 'leave', study, since, purposes: ['evaluate'] }) as const
  const all = (hash: string): SitesPartnerWord[] =>
    signing.flatMap((name) =>
      [change(hash), ...Array.from({ length: number }, (_, since) => leave(since))].map((word) => ({
        ...(signPartnerWord(word, identities.get(name)!) as PartnerWord),
        site: name,
      })),
    )
  try {
    offeredChange({ type: 'partner-change', signed: offer, words: [], heard: true }, site)
    const { hash } = partnerChanges.list(study).at(-1)!.change
    if (byPeople) acceptNewest(study, 'it', site)
    else offeredChange({ type: 'partner-change', signed: offer, words: all(hash), heard: true }, site)
  } catch {
    // Not taken.
  }
}

function masks(site: HonestSite, cohort: string[]): boolean {
  const plan = { study, purpose: 'evaluate', cohort, model: '', secure: { survivorsMin: 3 } } as never
  try {
    settlePartners(plan, manifest, site as never)
    return true
  } catch {
    return false
  }
}

const history = fc.record({
  colluding: fc.subarray(names, { maxLength: 2 }),
  consenting: fc.subarray(names, { maxLength: 3 }),
  steps: fc.array(
    fc.record({
      of: fc.nat(20),
      drop: fc.subarray(names, { maxLength: 3 }),
      add: fc.subarray(names, { maxLength: 1 }),
      shownTo: fc.oneof(fc.constant(names), fc.subarray(names)),
    }),
    { minLength: 3, maxLength: 12 },
  ),
})

test('of the sites that signed nothing, the same ones are in any two sums, or none', () => {
  let several = 0
  fc.assert(
    fc.property(history, ({ colluding, consenting, steps }) => {
      const signing = [...new Set([...colluding, ...consenting])]
      const sums = opened(steps, signing, colluding)
      const silent = (sum: readonly string[]) => sum.filter((name) => !signing.includes(name))
      for (const one of sums)
        for (const other of sums) {
          const shared = silent(one).some((name) => other.includes(name))
          if (shared) expect(silent(other)).toEqual(silent(one))
        }
      if (new Set(sums.map((sum) => sum.join())).size > 1) several += 1
    }),
    { numRuns: 60 },
  )
  // The histories are no idle ones: partners do change in them.
  expect(several).toBeGreaterThan(5)
})

test('control: people who accept what nobody signed give a site away', () => {
  const steps = [{ of: 0, drop: ['g'], add: [], shownTo: names }]
  expect(opened(steps, [], [])).toEqual([names])
  expect(opened(steps, [], [], true)).toEqual([names, names.slice(0, 6)])
  expect(opened(steps, ['g'], [])).toEqual([names, names.slice(0, 6)])
})
