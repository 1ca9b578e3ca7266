/** The lies of a folder: one file each, named after it. */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/** What every file but the tests exports as `lie`, with the name of the file in words; in the order of the names. */
export async function liesIn<Lie>(folder: string): Promise<readonly { readonly what: string; readonly lie: Lie }[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  return Promise.all(
    files.sort().map(async (file) => {
      const { lie } = (await import(join(folder, file))) as { readonly lie: Lie }
      return { what: basename(file, '.ts').replaceAll('-', ' '), lie }
    }),
  )
}

/** As a run of attacks takes them, one a round. */
export async function attacksIn<Lie extends object>(
  folder: string,
): Promise<readonly (Lie & { readonly what: string })[]> {
  return (await liesIn<Lie>(folder)).map(({ what, lie }) => ({ what, ...lie }))
}
