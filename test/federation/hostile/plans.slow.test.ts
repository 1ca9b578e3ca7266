/** A coordinator that gives one site a plan that is not the others', or weaker than the site agreed to: check S1 ends it. */
import { randomBytes } from 'node:crypto'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { type RoundPlan, type SecureRound, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import {
  type Attack,
  attackEachRound,
  droppedIn,
  gatherRefusals,
  refusalsOf,
  refused,
  target,
} from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { planIn } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const attacks: readonly Attack<'assignment'>[] = [
  forged('another initial model', 'hash-mismatch', (plan) => ({ ...plan, model: 'a'.repeat(64) })),
  forged('fewer colluders to withstand', 'thresholds-refused', secure({ colluders: 0 })),
  forged('colluders that leave no honest pair', 'thresholds-refused', secure({ colluders: 3 })),
  forged(
    'one vector more',
    'message-invalid',
    secure(({ vectors }) => ({ vectors: [...vectors, { name: 'statistics', words: 4 }] })),
  ),
  forged(
    'no header',
    'message-invalid',
    secure(({ vectors }) => ({ vectors: vectors.slice(1) })),
  ),
  forged(
    'a longer update',
    'message-invalid',
    secure(({ vectors }) => ({ vectors: [vectors[0]!, { ...vectors[1]!, words: vectors[1]!.words + 1 }] })),
  ),
  forged('a sealed round of a secure study', 'message-invalid', ({ secure: _, ...plan }) => ({
    ...plan,
    runPublicKey: randomBytes(32).toString('base64'),
  })),
  forged('a secure round with a key to seal to as well', 'message-invalid', (plan) => ({
    ...plan,
    runPublicKey: randomBytes(32).toString('base64'),
  })),
  forged("a peer's name with another key", 'roster-mismatch', secure(withKeyOf(1))),
  forged("the site's own name with another key", 'roster-mismatch', secure(withKeyOf(3))),
  forged('a site that nobody pinned', 'roster-mismatch', (plan) => ({
    ...plan,
    cohort: [...plan.cohort.slice(0, 3), 'sybil', 'zurich'],
    secure: { ...plan.secure!, roster: [...plan.secure!.roster.slice(0, 3), newKey(), plan.secure!.roster[3]!] },
  })),
  forged('the site twice', 'message-invalid', (plan) => ({
    ...plan,
    cohort: [...plan.cohort, 'zurich'],
    secure: { ...plan.secure!, roster: [...plan.secure!.roster, plan.secure!.roster[3]!] },
  })),
  forged('a cohort without the site', 'not-in-cohort', (plan) => ({
    ...plan,
    cohort: ['basel', 'cleveland', 'hungary'],
  })),
  forged('a cohort below the study', 'cohort-too-small', (plan) => ({ ...plan, cohort: ['basel', 'zurich'] })),
  forged('a study that nobody approved', 'study-unapproved', (plan) => ({ ...plan, study: 'b'.repeat(64) })),
  forged('a round that the study has not', 'message-invalid', (plan) => ({ ...plan, round: 1000 })),
  {
    what: 'the signature of another coordinator',
    code: 'signature-invalid',
    lie: ({ plan }) => [{ type: 'assignment', plan: signRoundPlan(planIn(plan), generateIdentity()) }],
  },
  {
    what: 'a second plan for the round',
    code: 'stale-round',
    lie: (message, { federation, site }) => [
      message,
      federation.forgeBeside(site, message.plan, secure({ colluders: 2 })),
    ],
  },
]

test('every plan that is weaker than agreed, or another for one site, is refused, and the others finish', async () => {
  expect(await attackEachRound('assignment', attacks)).toEqual(refused(attacks))
})

test('a plan for few of the many sites a study is planned for has the thresholds of the study, or is refused', async () => {
  // Four sites of seven: of their own they would be four of which one may collude.
  const cohort = { planned: 7, min: 4 } as const
  const fewer = [
    forged('the colluders of four sites', 'thresholds-refused', secure({ colluders: 1 })),
    forged('the survivors of four sites', 'thresholds-refused', secure({ survivorsMin: 3 })),
  ]
  const { results, leaks: found } = await attackEachRound('assignment', fewer, { cohort })
  expect({ results, leaks: found }).toMatchObject({ results: refused(fewer).results, leaks: [] })
})

test('a plan with fewer survivors than the study asks for is refused', async () => {
  const weaker = forged('fewer survivors', 'thresholds-refused', secure({ survivorsMin: 3 }))
  const aggregation = { mode: 'secure', survivorsMin: 4 } as const
  const { results, state, leaks: found } = await attackEachRound('assignment', [weaker], { aggregation })
  // Without this site the study's own minimum of four is out of reach.
  expect({ results, state, leaks: found }).toEqual({ ...refused([weaker]), state: 'failed' })
})

test('a plan that is none at all is refused without an answer, and its site is dropped at the deadline', async () => {
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      if (site !== target || message.type !== 'assignment' || planIn(message.plan).purpose !== 'train') return [message]
      const plan = secure({ survivorsMin: 2 })(planIn(message.plan))
      return [{ type: 'assignment', plan: signRoundPlan(plan, at.identity) }]
    },
  })
  const run = await federation.start({ deadlines: { workMs: 1000 } })
  await federation.until(() => refusalsOf(federation, target).includes('message-invalid'))
  for (const site of ['basel', 'cleveland', 'hungary']) await federation.heard(site, 'work-done')
  federation.pass(1000)
  expect((await federation.ended(run)).state).toBe('finished')
  expect(droppedIn(federation, await federation.entries(runStream(run)), target)).toEqual(['no progress for 1000 ms'])
  expect(await leaks(federation)).toEqual([])
})

test('different plans to different sites: the keys of one do not pass for the plan of the others', async () => {
  await using federation = await hostileFederation({
    fromSite: gatherRefusals(3),
    toSite({ site, message }, at) {
      if (message.type === 'assignment' && site === target && planIn(message.plan).purpose === 'train')
        return [at.forge(site, message.plan, secure({ colluders: 2 }))]
      // The coordinator itself finds the keys badly signed and leaves the site out; a hostile one would not.
      const other = at.recorded.heard.find(
        (heard) => heard.site === target && heard.message.type === 'advertise',
      )?.message
      if (message.type === 'directory' && message.sites.length === 3 && other?.type === 'advertise')
        return [{ ...message, sites: [...message.sites, { index: 4, body: other.body, signature: other.signature }] }]
      return [message]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  for (const site of ['basel', 'cleveland', 'hungary'])
    expect(refusalsOf(federation, site)).toContain('directory-invalid')
  const entries = await federation.entries(runStream(view.run))
  expect(droppedIn(federation, entries, target)).toEqual(['signature-invalid'])
  expect(['basel', 'cleveland', 'hungary'].flatMap((site) => droppedIn(federation, entries, site))).toContain(
    'directory-invalid',
  )
  expect(await leaks(federation)).toEqual([])
})

function forged(what: string, code: Attack<'assignment'>['code'], change: (plan: RoundPlan) => RoundPlan) {
  const lie: Attack<'assignment'>['lie'] = ({ plan }, { federation, site }) => [federation.forge(site, plan, change)]
  return { what, code, lie }
}

type Changes = Partial<SecureRound>

function secure(changes: Changes | ((round: SecureRound) => Changes)): (plan: RoundPlan) => RoundPlan {
  return (plan) => {
    const round = plan.secure!
    return { ...plan, secure: { ...round, ...(typeof changes === 'function' ? changes(round) : changes) } }
  }
}

function withKeyOf(position: number): (round: SecureRound) => Changes {
  return ({ roster }) => ({ roster: roster.map((key, i) => (i === position ? newKey() : key)) })
}

function newKey(): string {
  return Buffer.from(generateIdentity().publicKey).toString('base64')
}
