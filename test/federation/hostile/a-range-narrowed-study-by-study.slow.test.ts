/**
 * A lead who is trusted writes one study after another that differ in the `range` of cholesterol alone: whether a hospital's
 * records fit is one bit, and ten bits are the hospital's largest value. A policy lets five studies a lead and month pass, so
 * that the lead is left with five bits: here, that the value lies in an interval 31 mg/dl wide. What refused says one code.
 */
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const rows = { rowsMin: 1, testRowsMin: 0 }
const patients = 'hungarian'
/** The records of nobody else matter. */
const trainer = (site: string, number: number) => (site === patients ? undefined : madeUpTrainer(number).start)

test.skipIf(skipWithoutRealData)('five studies of a lead pass, and then the hospital says nothing more', async () => {
  await using federation = await hostileFederation({
    ...(await hearts()),
    trainer,
    policy: () => ({ approve: defaultPolicy.approve, rows }),
  })
  const { from, to, answers } = await narrow(federation)
  expect(answers).toBe(5)
  expect([from, to]).toEqual([593.75, 625])
  const refused = federation.recorded.heard.flatMap(({ site, message }) =>
    site === patients && message.type === 'refusal' ? [message] : [],
  )
  expect(refused.length).toBeGreaterThan(0)
  for (const message of refused)
    expect(message).toEqual({ type: 'refusal', studyHash: expect.any(String), code: 'data-not-ready' })
})

test.skipIf(skipWithoutRealData)('control: where no number of studies is set, the largest value is read', async () => {
  const { records, ...lies } = await hearts()
  await using federation = await hostileFederation({
    ...lies,
    trainer,
    policy: () => ({ approve: { ...defaultPolicy.approve, studiesMax: 100 }, rows }),
  })
  const { from, to } = await narrow(federation)
  const all = records.get(patients)!.map(({ cholesterol }) => cholesterol)
  expect(Math.floor(to)).toBe(Math.max(...all.filter((value) => !Number.isNaN(value))))
  expect(to - from).toBeLessThan(1)
})

/** Halves the interval in which the largest value lies as long as the hospital answers. */
async function narrow(federation: HostileFederation) {
  let [from, to, answers] = [0, 1000, 0]
  while (to - from >= 1) {
    const middle = (from + to) / 2
    const range: [number, number] = [0, middle]
    const features = [{ name: 'cholesterol', type: 'number' as const, range }]
    const fits = await answerOf(
      federation,
      await federation.offer({ ...heartStudy, name: `up-to-${answers}`, features }),
    )
    if (fits === undefined) break
    answers += 1
    if (fits) to = middle
    else from = middle
  }
  return { from, to, answers }
}

/** Whether the hospital's records fit the study; undefined where it leaves the study to a person, and says nothing. */
async function answerOf({ admin, recorded, agents }: HostileFederation, study: string): Promise<boolean | undefined> {
  for (;;) {
    const { decisions } = await admin.showStudy(study)
    if (decisions.some(({ site, decision }) => site === patients && decision === 'approve')) return true
    const isRefusal = recorded.heard.some(
      ({ site, message }) => site === patients && message.type === 'refusal' && message.studyHash === study,
    )
    if (isRefusal) return false
    const isOffered = agents
      .get(patients)!
      .events.some((event) => event.type === 'study-offered' && event.study === study)
    if (isOffered) return undefined
    await new Promise(setImmediate)
  }
}
