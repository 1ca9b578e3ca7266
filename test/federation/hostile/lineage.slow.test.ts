/**
 * A coordinator that forks its log, proves what is not so, hands out a model that the log did not make, or plays a round
 * again: checks S1 and S7 end it.
 */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { type Attack, attackEachRound, droppedIn, refusalsOf, refused, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

/** The site must have accepted a model or two before there is something to lie about. */
const honest: Attack<'assignment'> = { what: 'an honest round', code: 'internal' }

const attacks: readonly Attack<'assignment'>[] = [
  forged('the model before the one that the site has accepted', 'model-not-in-log', (plan, { second }) => ({
    ...plan,
    model: second.model,
    modelEntry: second.modelEntry!,
  })),
  forged('the model that the site has trained from already', 'model-not-in-log', (plan, { third }) => ({
    ...plan,
    model: third.model,
    modelEntry: third.modelEntry!,
  })),
  forged('a model that nobody trained', 'model-not-in-log', (plan) => ({ ...plan, model: 'd'.repeat(64) })),
  forged('a model with no entry', 'model-not-in-log', ({ modelEntry: _, ...plan }) => plan),
  forged('the initial parameters once more', 'model-not-in-log', ({ modelEntry: _, ...plan }, { initial }) => ({
    ...plan,
    model: initial,
  })),
  forged('an entry that made no model', 'model-not-in-log', (plan) => ({ ...plan, modelEntry: plan.logHead.size - 1 })),
  forged('an entry that the log does not have yet', 'model-not-in-log', (plan) => ({
    ...plan,
    modelEntry: plan.logHead.size,
  })),
  forged('a head of another log', 'log-forked', (plan) => ({
    ...plan,
    logHead: { ...plan.logHead, root: 'c'.repeat(64) },
  })),
  forged('a log that became shorter', 'log-forked', (plan, { third: { logHead } }) => ({
    ...plan,
    logHead,
    modelEntry: logHead.size - 1,
  })),
  {
    what: 'a proof of consistency with one hash changed',
    code: 'log-forked',
    proof: (proof) => ({ ...proof, consistency: proof.consistency.map((hash, i) => (i === 0 ? flipped(hash) : hash)) }),
  },
  { what: 'no proof of consistency', code: 'log-forked', proof: (proof) => ({ ...proof, consistency: [] }) },
  {
    what: 'an audit path with one hash changed',
    code: 'model-not-in-log',
    proof: (proof) => ({ ...proof, inclusion: proof.inclusion.map((hash, i) => (i === 0 ? flipped(hash) : hash)) }),
  },
  { what: 'no entry', code: 'message-invalid', proof: ({ entry: _, ...proof }) => proof },
  {
    what: 'an entry that names another model',
    code: 'model-not-in-log',
    proof(proof) {
      const entry = JSON.parse(Buffer.from(proof.entry!).toString('utf8'))
      entry.body.result.parameters = 'e'.repeat(64)
      return { ...proof, entry: canonicalJson(entry) }
    },
  },
]

test('a forked log and a model that the log did not make are refused, and the others finish', async () => {
  const { results, ...rest } = await attackEachRound('assignment', [honest, honest, honest, ...attacks])
  expect({ ...rest, results: results.slice(3) }).toEqual(refused(attacks))
})

test('a round that is over is played again in vain', async () => {
  const replayed = ['assignment', 'advertise-keys', 'directory', 'shares', 'survivors', 'quorum'] as const
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (site !== target || message.type !== 'assignment' || plan?.purpose !== 'train' || plan.round !== 2)
        return [message]
      const first = replayed.map((type) => {
        const told = at.recorded.told.find((one) => one.site === site && one.message.type === type)!.message
        return told.type === 'assignment' ? at.forgeBeside(site, message.plan, () => at.planOf(told)!) : told
      })
      return [message, ...first]
    },
  })
  const view = await federation.run({ rounds: 2 })
  expect(view.state).toBe('finished')
  expect(refusalsOf(federation, target)).toEqual(['stale-round'])
  expect(droppedIn(federation, await federation.entries(runStream(view.run)), target)).toEqual(['stale-round'])
  const first = [...federation.plans].find(([, { round }]) => round === 1)![0]
  // An answer may come again, and then it is the very same.
  const answers = federation.recorded.heard.flatMap(({ site, message }) =>
    site === target && 'signature' in message && message.planHash === first
      ? [`${message.type} ${Buffer.from(message.signature).toString('hex')}`]
      : [],
  )
  expect([...new Set(answers)].map((answer) => answer.split(' ')[0])).toEqual([
    'advertise',
    'share-keys',
    'confirm',
    'unmask',
    'verified',
  ])
  expect(await leaks(federation)).toEqual([])
})

type Told = { readonly initial: string; readonly second: RoundPlan; readonly third: RoundPlan }

function forged(
  what: string,
  code: Attack<'assignment'>['code'],
  change: (plan: RoundPlan, told: Told) => RoundPlan,
): Attack<'assignment'> {
  return {
    what,
    code,
    lie({ plan }: Extract<ToSite, { type: 'assignment' }>, { federation, site }) {
      const [first, second, third] = [...federation.plans.values()]
      return [
        federation.forge(site, plan, (of) => change(of, { initial: first!.model, second: second!, third: third! })),
      ]
    },
  }
}

function flipped(hash: Uint8Array): Uint8Array {
  return hash.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
}
