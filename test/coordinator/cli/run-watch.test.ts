/** Following a run: what a small terminal shows, and a coordinator that goes away and comes back. */
import { watchRun } from '@consilium/coordinator/cli/run-watch.ts'
import type { RunView } from '@consilium/coordinator/services.ts'
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { aRound, aRun, modelSha256 } from './runs.ts'

const working = (sites: number) =>
  aRun({
    roundsPlanned: 40,
    rounds: Array.from({ length: 30 }, (_, i) => aRound(i + 1)),
    current: {
      round: 31,
      purpose: 'train',
      phase: 'work',
      sites: Array.from({ length: sites }, (_, i) => ({
        site: `site-${i}`,
        state: 'working',
        done: 1,
        total: 10,
        uploadedBytes: 0,
      })),
    },
  })
const finished = aRun({ state: 'finished', modelSha256, rounds: working(0).rounds })

/** A terminal that keeps what was written to it. */
function aTerminal(rows: number, isLive = true) {
  const written: string[] = []
  const said: string[] = []
  const terminal = {
    isLive,
    hasColor: false,
    columns: 80,
    rows,
    write: (text: string) => void written.push(text),
    writeError: (text: string) => void said.push(text),
  }
  return { terminal, written, said }
}

/** Answers each dial with the next of `answers`: views and then the end of the stream, or an error. */
function coordinator(...answers: readonly (readonly RunView[] | FederationError)[]) {
  let dialled = 0
  let closed = 0
  return {
    get counts() {
      return { dialled, closed }
    },
    async connect() {
      const answer = answers[dialled++]
      if (answer === undefined) throw new Error('dialled too often')
      if (answer instanceof FederationError) throw answer
      return {
        async *watchRun() {
          yield* answer
          if (answer.at(-1)?.state === 'running') throw new FederationError('link-down', 'the connection broke')
        },
        close: () => void closed++,
      }
    },
  }
}

const down = (code: ErrorCode = 'link-down') => new FederationError(code, 'no answer')
const never = new AbortController().signal

test.for([3, 8, 40])('with %i sites no drawing is higher than a terminal of 24 rows', async (sites) => {
  const { terminal, written } = aTerminal(24)
  const { connect } = coordinator([working(sites), working(sites), finished])
  expect(await watchRun(connect, 'heart-1', { json: false, terminal, interrupted: never })).toBe(0)
  const heights = written.map((text) => text.split('\n').length - 1)
  expect(Math.max(...heights.slice(0, 2))).toBeLessThan(24)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequence that redraws is what is looked for.
  expect(written.slice(1).map((text) => Number(/^\u001b\[(\d+)A\u001b\[J/.exec(text)?.[1]))).toEqual(
    heights.slice(0, 2),
  )
  if (sites === 3) expect(written[0]).toMatch(/^ +30 /m)
})

test('a reason longer than the terminal is wide is cut while the run goes on, and told in full at its end', async () => {
  const reason = `refused: ${'column age, data row 3, '.repeat(5)}correct the file`
  const rounds = [aRound(1, { dropouts: [{ site: 'basel', purpose: 'train', phase: 'work', reason }] })]
  const { terminal, written } = aTerminal(24)
  const { connect } = coordinator([
    { ...working(3), rounds },
    { ...finished, rounds },
  ])
  await watchRun(connect, 'heart-1', { json: false, terminal, interrupted: never })
  expect(Math.max(...written[0]!.split('\n').map((line) => line.length))).toBe(80)
  expect(written.at(-1)).toContain(reason)
})

test('a coordinator that goes away is dialled until it is back, and that is said once', async () => {
  const clock = manualClock()
  const { terminal, written, said } = aTerminal(24, false)
  const server = coordinator([working(3)], down(), down(), [working(3)], [finished])
  const watching = watchRun(server.connect, 'heart-1', { json: false, terminal, interrupted: never }, clock)
  for (let dials = 1; dials < 5; dials++) {
    while (clock.pendingMs().length === 0) await new Promise(setImmediate)
    expect(server.counts.dialled).toBe(dials)
    clock.advance(1000)
  }
  expect(await watching).toBe(0)
  expect(said).toHaveLength(2)
  expect(said[0]).toContain('the coordinator does not answer')
  expect(server.counts).toEqual({ dialled: 5, closed: 3 })
  // What was told before is not told again.
  expect(written.filter((line) => line.startsWith('round 30 '))).toHaveLength(1)
  expect(written.at(-1)).toContain('run heart-1 finished')
})

test('Ctrl-C ends the waiting for a coordinator that is away', async () => {
  const { terminal, said } = aTerminal(24, false)
  const interrupt = new AbortController()
  const clock = manualClock()
  const { connect } = coordinator([working(3)])
  const watching = watchRun(connect, 'heart-1', { json: false, terminal, interrupted: interrupt.signal }, clock)
  while (clock.pendingMs().length === 0) await new Promise(setImmediate)
  interrupt.abort()
  expect(await watching).toBe(130)
  expect(said.at(-1)).toContain('the run goes on')
  expect(clock.pendingMs()).toEqual([])
})

test.for([
  ['a coordinator that never answered', [down()], 'link-down'],
  ['a refusal once it is back', [[working(3)], down('not-found')], 'not-found'],
] as const)('%s ends the watch with the error', async ([, answers, code]) => {
  const clock = manualClock()
  const { terminal } = aTerminal(24, false)
  const { connect } = coordinator(...answers)
  const watching = watchRun(connect, 'heart-1', { json: true, terminal, interrupted: never }, clock)
  const refused = expect(watching).rejects.toMatchObject({ code })
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(setImmediate)
    clock.advance(1000)
  }
  await refused
})
