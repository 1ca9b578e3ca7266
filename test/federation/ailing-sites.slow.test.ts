/** Sites whose data or consent do not fit are recorded with their reason; the others train on. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refusalText } from '@consilium/protos/refusal-codes.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

/** What is wrong at each further site, and what the federation is told of it. */
const ailments = {
  'no-such-column': {
    file: 'site.yaml',
    change: (text: string) => text.replace('heart.chol AS cholesterol', 'heart.chol AS chol'),
    code: 'data-missing-column',
    told: 'cholesterol',
  },
  'wrong-type': {
    file: 'synthetic-a.data',
    change: (text: string) => text.replace(/^[^,]+/, 'PATIENT-VALUE'),
    code: 'data-wrong-type',
    told: 'column age, data row 1',
  },
  'no-usable-rows': {
    file: 'site.yaml',
    change: (text: string) => text.replace('FROM heart', 'FROM heart WHERE heart.age > 1000'),
    code: 'data-empty',
    told: 'row',
  },
  'writing-query': {
    file: 'site.yaml',
    change: (text: string) => text.replace('FROM heart', "FROM read_csv('/etc/passwd')"),
    code: 'data-query-refused',
    told: 'read_csv',
  },
} as const

test('four ailing sites are named with their reasons, and the four others finish the run', async () => {
  await using heart = await heartFolder('synthetic', { rounds: 2 })
  for (const [name, { file, change }] of Object.entries(ailments)) {
    const folder = join(heart.folder, 'sites', name)
    await cp(join(heart.folder, 'sites', 'synthetic-a'), folder, { recursive: true })
    const path = join(folder, file)
    const text = await readFile(path, 'utf8')
    expect(change(text)).not.toBe(text)
    await writeFile(path, change(text))
  }
  await using federation = await DeployedFederation.start(heart.folder)
  const refused = new Map(
    Object.keys(ailments).map((name) => [name, federation.sites.get(name)!.next(({ type }) => type === 'refused')]),
  )
  const study = await federation.createStudy({ cohort: { planned: 4 } })
  for (const [name, { code, told }] of Object.entries(ailments)) {
    expect(await refused.get(name)).toMatchObject({ code, reason: expect.stringContaining(told) })
  }
  const view = await federation.run(study)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.rounds.at(-1)!.survivors).toEqual(['synthetic-a', 'synthetic-b', 'synthetic-c', 'synthetic-d'])
  const said = JSON.stringify([
    ...[...federation.sites.values()].flatMap(({ events }) => events),
    ...(await federation.log(view.run)),
  ])
  expect(said).not.toContain('PATIENT-VALUE')
  // The coordinator cannot tell one ailment from another.
  const { decisions } = await federation.admin.showStudy(study)
  const told = decisions.filter(({ site }) => site in ailments).map(({ decision, reason }) => ({ decision, reason }))
  expect(told).toEqual(
    Object.keys(ailments).map(() => ({ decision: 'refused', reason: refusalText('data-not-ready') })),
  )
})
