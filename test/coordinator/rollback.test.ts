/** A run that the operator takes back to an earlier model: signed, in the log, and named by the plans that follow. */
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { verifyRollback } from '@consilium/protos/rollback.ts'
import { afterEach, expect, test } from 'vitest'
import { collect } from '../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'
import type { FakeSite } from '../support/fake-site.ts'

let fixture: CoordinatorFixture
afterEach(() => fixture.stop())

const plansOf = ({ heard }: FakeSite): RoundPlan[] =>
  heard.flatMap((message) =>
    message.type === 'assignment' ? [JSON.parse(Buffer.from(message.plan.bytes).toString()) as RoundPlan] : [],
  )
const isRound = (round: number, purpose: string) => (plan: RoundPlan) =>
  plan.round === round && plan.purpose === purpose

/** A run of four rounds whose third waits for the last site. */
async function runInRoundThree(): Promise<{ readonly run: string; readonly slow: FakeSite }> {
  fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const slow = sites.at(-1)!
  const { run } = await fixture.startRun({ rounds: 4, standardisation: 'none' })
  const evaluatedTwo = (plan: RoundPlan) => isRound(2, 'evaluate')(plan) && slow.worked.includes(planHash(plan))
  await slow.until((site) => plansOf(site).some(evaluatedTwo))
  slow.works = false
  await fixture.runWhere(run, ({ current }) => current?.round === 3 && current.phase === 'work')
  return { run, slow }
}

const entriesOf = (run: string): Promise<LogEntry[]> => collect(fixture.admin.readLog(`run/${run}`))

test('the rounds that follow start from the model of the round named, by a signed entry of the log', async () => {
  const { run, slow } = await runInRoundThree()
  const before = await fixture.admin.showRun(run)
  const first = before.rounds.find(({ round }) => round === 1)!.parametersSha256!
  expect(before.parametersSha256).not.toBe(first)
  slow.works = true
  const { parametersSha256 } = await fixture.admin.rollBackRun(run, 1, 'round 2 diverged')
  expect(parametersSha256).toBe(first)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view).toMatchObject({ state: 'finished' })

  const entry = (await entriesOf(run)).find(({ type }) => type === 'run-rolled-back')!
  expect(entry.body).toMatchObject({ round: 1, parameters: first, reason: 'round 2 diverged' })
  const signature = Buffer.from(String(entry.body.signature), 'base64')
  const said = { run, round: 1, parameters: first }
  expect(verifyRollback(fixture.identity.publicKey, signature, said)).toBe(true)
  expect(verifyRollback(fixture.identity.publicKey, signature, { ...said, round: 2 })).toBe(false)
  expect(plansOf(slow).find(isRound(4, 'train'))).toMatchObject({ model: first, modelEntry: entry.seq })
})

test('a roll-back that leads nowhere is refused with the reason, and leaves the log as it was', async () => {
  const { run, slow } = await runInRoundThree()
  await expect(fixture.admin.rollBackRun(run, 2, 'x')).rejects.toMatchObject({ code: 'already-exists' })
  await expect(fixture.admin.rollBackRun(run, 3, 'x')).rejects.toMatchObject({ code: 'not-found' })
  await expect(fixture.admin.rollBackRun('heart-99', 1, 'x')).rejects.toMatchObject({ code: 'not-found' })
  expect((await entriesOf(run)).some(({ type }) => type === 'run-rolled-back')).toBe(false)
  await fixture.admin.cancelRun(run, 'enough')
  await expect(fixture.admin.rollBackRun(run, 1, 'x')).rejects.toMatchObject({
    code: 'stale-round',
    message: expect.stringContaining('it is cancelled'),
  })
  expect(slow.failures).toEqual([])
})
