import { expect, test } from 'vitest'
import { eventPrinter } from '../../../site-agent/cli/progress.ts'
import { openLogger } from '../../../site-agent/log.ts'
import type { AgentEvent } from '../../../site-agent/round/events.ts'

const round = { run: 'heart-1', round: 2, purpose: 'train', planHash: 'a'.repeat(64) } as const
const moving: AgentEvent = { type: 'progress', ...round, done: 7, total: 20 }
const done: AgentEvent = { type: 'work-done', ...round, bytes: 260 }

function print(options: { readonly json: boolean; readonly isLive: boolean }, events: readonly AgentEvent[]) {
  const shown = { out: '', log: '' }
  const write = (text: string) => {
    shown.out += text
  }
  const log = openLogger({
    json: options.json,
    level: 'info',
    write: (text) => {
      shown.log += text
    },
  })
  const terminal = { isLive: options.isLive, hasColor: false, columns: 80, write, writeError: () => undefined }
  events.forEach(eventPrinter({ json: options.json, terminal, log }))
  return shown
}

test('a terminal shows progress on one live line, which makes room for the next log line', () => {
  const { out, log } = print({ json: false, isLive: true }, [moving, done])
  expect(out).toMatch(/^\rheart-1 round 2 train: 7 of 20\r +\r$/)
  expect(log).toMatch(/^\d\d:\d\d:\d\d info {2}heart-1 round 2 train: done, 260 bytes wait\n$/)
})

test('where standard output is no terminal, nothing but whole log lines is written', () => {
  const { out, log } = print({ json: false, isLive: false }, [moving, done])
  expect(out).toBe('')
  expect(log.match(/\n/g)).toHaveLength(1)
})

test('with --json every event is one line, and so is every line of the log', () => {
  const { out, log } = print({ json: true, isLive: true }, [moving, done])
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([moving, done])
  expect(JSON.parse(log)).toMatchObject({ event: 'work-done', bytes: 260 })
})

test('what comes from elsewhere cannot redraw the terminal', () => {
  const { log } = print({ json: false, isLive: false }, [{ type: 'link-down', reason: 'gone\r\u001b[2Jhello' }])
  expect([...log].filter((character) => character < ' ')).toEqual(['\n'])
})
