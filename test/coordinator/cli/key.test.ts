/** `consilium key` and `consilium run rollback` against a real admin port. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AdminFixture, consilium, startAdminFixture } from '../../support/admin-fixture.ts'
import { aRound, aRun } from './runs.ts'

let fixture: AdminFixture
const first = `SHA256:${'A'.repeat(43)}`
const second = `SHA256:${'A'.repeat(42)}1`

beforeAll(async () => {
  fixture = await startAdminFixture()
})
afterAll(() => fixture.stop())
beforeEach(() => {
  const { service } = fixture
  service.runs.clear()
  service.rollbacks.length = 0
  service.key = { fingerprint: first, rotations: [] }
})

test('key show prints the fingerprint that sites compare', async () => {
  expect(await fixture.consilium('key', 'show')).toEqual({ code: 0, stdout: `fingerprint  ${first}\n`, stderr: '' })
  expect(JSON.parse((await fixture.consilium('key', 'show', '--json')).stdout)).toEqual({
    fingerprint: first,
    rotations: [],
  })
})

test('key rotate prints the new fingerprint and what it follows', async () => {
  const { code, stdout } = await fixture.consilium('key', 'rotate')
  expect(code).toBe(0)
  expect(stdout).toContain('The coordinator has a new signing key.')
  expect(stdout).toMatch(new RegExp(`fingerprint +${second}\n`))
  expect(stdout).toMatch(new RegExp(`2026-11-05 12:00:00 UTC +${first} +${second}\n`))
  const shown = JSON.parse((await fixture.consilium('key', 'show', '--json')).stdout)
  expect(shown).toEqual({
    fingerprint: second,
    rotations: [{ at: '2026-11-05T12:00:00.000Z', from: first, to: second }],
  })
})

test('key rotate passes the refusal on while a run goes on', async () => {
  fixture.service.runs.set('heart-1', [aRun()])
  expect(await fixture.consilium('key', 'rotate')).toEqual({
    code: 3,
    stdout: '',
    stderr: 'error[permission-denied]: the key cannot be rotated while a run goes on\n',
  })
})

test('run rollback names the round and keeps the reason', async () => {
  fixture.service.runs.set('heart-1', [aRun({ rounds: [aRound(1), aRound(2)] })])
  const { code, stdout } = await fixture.consilium('run', 'rollback', 'heart-1', '--round', '1', '--reason', 'diverged')
  expect([code, stdout]).toEqual([0, 'run heart-1 goes on from the model of round 1\n'])
  expect(fixture.service.rollbacks).toEqual([{ run: 'heart-1', round: 1, reason: 'diverged' }])
  const json = await fixture.consilium('run', 'rollback', 'heart-1', '--round', '1', '--reason', 'again', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ run: 'heart-1' })
})

test.for([
  { args: ['heart-1', '--round', '9', '--reason', 'x'], code: 3, error: /^error\[not-found\]: round 9 of run heart-1/ },
  {
    args: ['heart-7', '--round', '1', '--reason', 'x'],
    code: 3,
    error: /^error\[not-found\]: there is no run heart-7/,
  },
  { args: ['heart-1', '--round', '0', '--reason', 'x'], code: 2, error: /whole numbers from 1 to 100000/ },
  { args: ['heart-1', '--round', 'one', '--reason', 'x'], code: 2, error: /whole numbers from 1 to 100000/ },
  { args: ['heart-1', '--round', '1'], code: 2, error: /--reason/ },
  { args: ['heart-1', '--reason', 'x'], code: 2, error: /--round/ },
])('run rollback $args ends with exit code $code', async ({ args, code, error }) => {
  fixture.service.runs.set('heart-1', [aRun({ rounds: [aRound(1)] })])
  const result = await fixture.consilium('run', 'rollback', ...args)
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(error)
  expect(fixture.service.rollbacks).toEqual([])
})

test.for([
  ['key', 'show'],
  ['key', 'rotate'],
  ['run', 'rollback'],
])('%s %s explains itself', async (words) => {
  const { code, stdout } = await consilium(...words, '--help')
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`\\$ consilium ${words.join(' ')}`))
})
