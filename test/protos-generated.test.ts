/** The committed protocol types are those of the committed .proto files. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = dirname(import.meta.dirname)

test('protos/gen is what npm run types writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'consilium-types-'))
  try {
    const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'generate-types.ts'), fresh])
    expect(status).toBe(0)
    expect(tree(join(root, 'protos', 'gen'))).toEqual(tree(fresh))
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
})

function tree(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return Object.fromEntries(files.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}
