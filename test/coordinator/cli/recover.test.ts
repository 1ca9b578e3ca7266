/** `consilium status` and `consilium recover`: what is missing is said everywhere, and nothing happens unasked. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AdminFixture, consiliumOn, startAdminFixture, wholeLog } from '../../support/admin-fixture.ts'

let fixture: AdminFixture
beforeEach(async () => {
  fixture = await startAdminFixture()
})
afterEach(() => fixture.stop())

const text = "federation has 40 entries here, basel holds this coordinator's signature on 57 (2026-11-05T12:00:00.000Z)"
const old = {
  ...wholeLog,
  losses: [{ at: '2026-11-06T12:00:00.000Z', by: 'basel', what: 'entries' as const, text }],
  ...{ openRuns: ['heart-1'], lostRuns: ['heart-2'], revoked: ['zurich'] },
  ...{ unknownCertificates: ['geneva', 'bern'], invited: ['chur'] },
}

const asked = (answer: string, ...args: readonly string[]) =>
  consiliumOn({ ask: async () => answer }, '--home', fixture.home, ...args)

test('a coordinator that is whole says nothing of it, and recover is refused', async () => {
  const { code, stdout } = await fixture.consilium('status')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^federation +hearts\n.*\nlog +epoch 1\n$/s)])
  expect((await fixture.consilium('site', 'list')).stderr).toBe('')
  expect(JSON.parse((await fixture.consilium('status', '--json')).stdout)).toMatchObject({
    restored: false,
    losses: [],
  })
  expect(await fixture.consilium('recover', '--yes')).toEqual({
    code: 3,
    stdout: '',
    stderr: 'error[not-restored]: nothing is missing\n',
  })
})

test('one that runs from an old copy says so in status and above every list, with the next step', async () => {
  fixture.service.recovery = old
  for (const command of [
    ['site', 'list'],
    ['run', 'list'],
  ]) {
    const { code, stderr } = await fixture.consilium(...command)
    expect(code).toBe(0)
    expect(stderr).toContain('THIS COORDINATOR RUNS FROM AN OLD COPY OF ITS HOME FOLDER')
    expect(stderr).toContain(`  ${text} (found 2026-11-06 12:00:00 UTC)\n`)
    expect(stderr).toContain('consilium recover')
    expect((await fixture.consilium(...command, '--json')).stderr).toBe('')
  }
  expect((await fixture.consilium('status')).stdout).toContain(text)
  expect(JSON.parse((await fixture.consilium('status', '--json')).stdout)).toMatchObject({
    restored: true,
    losses: [{ by: 'basel', what: 'entries', text }],
  })
})

test.for([
  { what: 'another word is typed', answer: 'yes', code: 1, says: /not recovered; nothing is changed/ },
  { what: 'nobody sits at a terminal', answer: undefined, code: 2, says: /add --yes/ },
])('it is not recovered where $what', async ({ answer, code, says }) => {
  fixture.service.recovery = old
  const outcome = await (answer === undefined ? fixture.consilium('recover') : asked(answer, 'recover'))
  expect(outcome.code).toBe(code)
  expect(outcome.stderr).toMatch(says)
  expect(fixture.service.recovered).toEqual([])
})

test('it is once the name of the federation is typed, after everything that it costs was said', async () => {
  fixture.service.recovery = old
  const { code, stdout, stderr } = await asked('hearts', 'recover', '--readmit', 'geneva')
  expect(code).toBe(0)
  for (const said of [
    'ended: heart-1.',
    'names are not used again: heart-2.',
    'Revoked again, by proof: zurich.',
    'certificate they showed: geneva.',
    'revoke and add them): bern.',
    'Join codes that end: chur.',
  ])
    expect(stderr).toContain(said)
  expect(fixture.service.recovered).toEqual([['geneva']])
  expect(stdout).toMatch(
    /^hearts is recovered: epoch 2 of its log begins\.\nEnded: heart-1\.\nRevoked again: zurich\.\n/,
  )
  expect(stdout).toContain('Still out, to be revoked and added again: bern.')
  expect((await fixture.consilium('status')).stdout).toContain('recovered   2026-11-05 12:00:00 UTC from an old copy')
})

test('with --yes it asks nobody, says as JSON what it did, and a second time is refused', async () => {
  fixture.service.recovery = old
  const { code, stdout, stderr } = await fixture.consilium('recover', '--yes', '--json')
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ federation: 'hearts', epoch: 2, losses: [], openRuns: ['heart-1'], lostRuns: ['heart-2'] },
    ...{ revoked: ['zurich'], readmitted: [], unknownCertificates: ['geneva', 'bern'], invited: ['chur'] },
  })
  expect((await fixture.consilium('recover', '--yes')).code).toBe(3)
  const bad = await fixture.consilium('recover', '--yes', '--readmit', 'Geneva Hospital')
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('names of sites')])
})
