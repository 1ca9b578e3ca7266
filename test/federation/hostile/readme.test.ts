/** The list of attacks names every file and folder of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('README.md lists every lie', () => {
  const list = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  const lies = readdirSync(import.meta.dirname, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return [`${entry.name}/`]
    return entry.name.endsWith('.slow.test.ts') ? [entry.name.replace('.slow.test.ts', '')] : []
  })
  expect(lies.length).toBeGreaterThan(30)
  expect(lies.filter((lie) => !list.includes(`\`${lie}`))).toEqual([])
})
