/** The two pages for the night after a restore: every command in them is one, and every message in them can be met. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { main as consilium } from '@consilium/coordinator/cli/main.ts'
import { isErrorCode } from '@consilium/protos/status.ts'
import { main as siteAgent } from '@consilium/site-agent/cli/main.ts'
import { describe, expect, test } from 'vitest'

const root = dirname(import.meta.dirname)
const pages = ['coordinator/RECOVER.md', 'site-agent/RECOVER.md']
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** What stands in backticks, and begins with one of the two programs. */
function commandsOf(page: string): string[] {
  const quoted = [...read(page).matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' '))
  return [...new Set(quoted.filter((text) => /^(consilium|site-agent) /.test(text)))]
}

async function helpFor(command: string): Promise<{ readonly code: number; readonly text: string }> {
  const words = command.split(' ').slice(1)
  const names = words.slice(0, words.findIndex((word) => /^[<-]/.test(word)) >>> 0)
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const terminal = { isLive: false, hasColor: false, columns: 100, rows: 50, write, writeError: write }
  const run = command.startsWith('consilium') ? consilium : siteAgent
  return { code: await run([...names, '--help'], { terminal }), text }
}

describe.for(pages)('%s', (page) => {
  test('names commands', () => {
    expect(commandsOf(page).length).toBeGreaterThan(4)
  })

  test.for(commandsOf(page))('%s', async (command) => {
    const { code, text } = await helpFor(command)
    const [program = ''] = command.split(' ')
    const names = command
      .split(' ')
      .slice(1)
      .filter((_, i, words) => words.slice(0, i + 1).every((w) => !/^[<-]/.test(w)))
    expect(code).toBe(0)
    // The help of that very command, not of the program.
    expect(text).toContain(`Usage: ${[program, ...names].join(' ')}`)
    for (const [option] of command.matchAll(/--[a-z-]+/g)) expect(text).toContain(option)
  })

  test('explains codes that there are', () => {
    const table = read(page).slice(read(page).indexOf('## What messages mean'))
    const codes = [...table.matchAll(/^\| `([a-z]+(?:-[a-z]+)+)`/gm)].map(([, code = '']) => code)
    expect(codes.length).toBeGreaterThan(2)
    expect(codes.filter((code) => !isErrorCode(code))).toEqual([])
  })
})

test('the words that the pages tell people to look for are those that the commands print', () => {
  const sources = ['site-agent/cli/status.ts', 'site-agent/cli/coordinator.ts', 'coordinator/cli/recover.ts']
    .map(read)
    .join('')
  for (const words of ['RESTORED', 'COORDINATOR RESTORED', 'LOG WENT BACK']) {
    expect(read('site-agent/RECOVER.md')).toContain(words)
    expect(sources).toContain(`'${words}'`)
  }
  const said = 'THIS COORDINATOR RUNS FROM AN OLD COPY OF ITS HOME FOLDER'
  expect(read('coordinator/RECOVER.md').replaceAll(/\s+/g, ' ')).toContain(said)
  expect(sources).toContain(said)
})

test('both pages are found from the README and from each other', () => {
  for (const page of pages) expect(read('README.md')).toContain(`](${page})`)
  expect(read(pages[0]!)).toContain(`](../${pages[1]})`)
  expect(read(pages[1]!)).toContain(`](../${pages[0]})`)
})
