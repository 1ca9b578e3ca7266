/**
 * A coordinator that listens to how far the sites' work has come, in a study of epochs, whose steps follow from the rows.
 * Control: sites that tell it in permille, at a coordinator that takes that. The first report of a run is of one step, and so
 * tells how many there are, and the rows to within one batch. Here quarters are told, each in its turn, so that sites say the
 * same however many rows they have, and whether or not their training diverges. The coordinator is left with when they are
 * said: how long the work takes, which studies of `steps` make independent of the rows.
 */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { beforeEach, expect, test, vi } from 'vitest'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'

const told = vi.hoisted(() => ({ inPermille: false }))

vi.mock(import('../../../site-agent/round/progress.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    workProgress(assignment, site) {
      const progress = real.workProgress(assignment, site)
      if (!told.inPermille) return progress
      const { planHash, study } = assignment
      const done = (steps: number, total: number) =>
        site.link.send({ type: 'progress', planHash, quarters: Math.floor((1000 * steps) / total) }, study.hash)
      return { done, downloaded() {}, finished() {}, again() {} }
    },
  }
})

vi.mock(import('../../../protos/fields.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    countField: (count, field, max) =>
      real.countField(count, field, told.inPermille && field === 'quarters' ? 1000 : max),
  }
})

beforeEach(() => void Object.assign(told, { inPermille: false }))

const batchSize = 8
const epochs: Partial<StudyInput> = { ...heartStudy, rounds: 2, localTraining: { epochs: 1, batchSize } }
/** After a few steps no parameter is finite any more. */
const diverging: Partial<StudyInput> = {
  ...epochs,
  name: 'diverging',
  label: { name: 'disease', type: 'number', range: [0, 1] },
  loss: 'mean-squared-error',
  optimizer: { name: 'sgd', learningRate: 1000 },
}

test.skipIf(skipWithoutRealData)(
  'control: told in permille, the rows of each site are known to within a batch',
  async () => {
    told.inPermille = true
    const { names = [], ...lies } = await hearts()
    await using federation = await hostileFederation({ names, ...lies })
    const { run, state } = await federation.run(epochs)
    expect(state).toBe('finished')
    for (const site of names) {
      const [first] = reports(federation, run, site)[0]!
      const steps = Math.floor(1000 / first!)
      expect(steps).toBe(Math.ceil(rowsOf(federation, site) / batchSize))
    }
  },
)

test.skipIf(skipWithoutRealData)('sites with other numbers of rows say the same, also where one diverges', async () => {
  const { names = [], ...lies } = await hearts()
  await using federation = await hostileFederation({ names, ...lies })
  const manyEpochs = { ...epochs, name: 'many', localTraining: { epochs: 7, batchSize: 4 } }
  for (const study of [{ ...epochs, name: 'one' }, manyEpochs, diverging]) {
    const { run, state } = await federation.run(study)
    expect(state).toBe('finished')
    expect(new Set(names.map((site) => rowsOf(federation, site))).size).toBeGreaterThan(2)
    for (const site of names) for (const work of reports(federation, run, site)) expect(work).toEqual([0, 1, 2, 3, 4])
  }
  expect(diverged(federation)).toBeGreaterThan(0)
})

/** What the site said of each work, in the order of the plans; while nothing new is done it may say the same again. */
function reports({ recorded, plans }: HostileFederation, run: string, site: string): number[][] {
  const works = [...plans].flatMap(([hash, plan]) => (plan.run === run ? [hash] : []))
  return works.map((hash) => {
    const said = recorded.heard.flatMap(({ site: from, message }) =>
      from === site && message.type === 'progress' && message.planHash === hash ? [message.quarters] : [],
    )
    return said.filter((each, i) => each !== said[i - 1])
  })
}

/** That train, of the last study that the site looked at its records for. */
function rowsOf({ agents }: HostileFederation, site: string): number {
  const checked = agents.get(site)!.events.findLast((event) => event.type === 'data-checked')
  if (checked?.type !== 'data-checked') throw new Error(`${site} has looked at no records`)
  return checked.trainRows
}

function diverged({ agents }: HostileFederation): number {
  return [...agents.values()].filter(({ events }) => events.some(({ type }) => type === 'diverged')).length
}
