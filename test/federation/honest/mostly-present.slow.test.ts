/**
 * Ten hospitals, each there 97 % of the time, and a run of a hundred rounds. What should happen: every round is made by
 * whoever is there, nobody refuses anything, and each evaluation that lacks a hospital says which. What should not: a run
 * that ends, or sites that stay away, because hospitals come and go as they do.
 */
import { expect, test } from 'vitest'
import { newLines } from '../../../coordinator/cli/run-text.ts'
import { refusals } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { pacedRun, passUntil } from '../../support/paced-run.ts'
import { seededNumbers } from '../../support/seeded.ts'

const names = ['aarau', 'basel', 'chur', 'davos', 'eglisau', 'fribourg', 'geneva', 'horgen', 'ilanz', 'jona']
const rounds = 100
const evaluated = 4

test('a hundred rounds of ten hospitals that are each there 97 % of the time', async () => {
  const random = seededNumbers(8)
  const pace = pacedRun()
  await using federation = await hostileFederation({ names, ...pace.lies })
  const run = await federation.start({
    rounds,
    standardisation: 'federated',
    evaluation: { bins: 8, everyRounds: evaluated },
    cohort: { planned: 10, min: 8, quorum: 7 },
  })
  /** Who is away as round r is evaluated, and as round r + 1 is trained; nobody as the last one is evaluated. */
  const away: (readonly string[])[] = [[]]
  for (let round = 1; round < rounds; round++) {
    await pace.after(federation, run, round)
    const before = away.at(-1)!
    const now = names.filter(() => random() >= 0.97)
    for (const name of before) if (!now.includes(name)) await federation.comeBack(name)
    for (const name of now) if (!before.includes(name)) await federation.leave(name)
    away.push(now)
    pace.goOn()
  }
  await pace.after(federation, run, rounds)
  for (const name of away.at(-1)!) await federation.comeBack(name)
  pace.goOn()
  const view = await passUntil(federation, run, ({ state }) => state !== 'running')

  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(away.flat()).toHaveLength(28)
  for (const { round, survivors, dropouts, withheld, loss } of view.rounds.filter(({ round }) => round > 0)) {
    expect([round, survivors, dropouts]).toEqual([round, names.filter((name) => !away[round - 1]!.includes(name)), []])
    const missing = round === rounds ? [] : away[round]!
    const isWithheld = round % evaluated === 0 && missing.length > 0
    expect([round, withheld?.match(/\w+(?= is missing)/g)]).toEqual([round, isWithheld ? missing : undefined])
    expect([round, loss !== undefined]).toEqual([round, round % evaluated === 0 && !isWithheld])
  }
  const told = newLines(undefined, view)
  expect(told.filter((line) => /evaluation withheld: \w+ is missing: not connected since/.test(line))).toHaveLength(6)
  expect(told.at(-1)).toMatch(/^run \S+ finished without aarau in rounds 12 and 50, without basel in rounds 60, /)
  expect(refusals(federation)).toEqual([])
}, 600_000)
