/** Holds the import rules of the house (README, "Architecture"), read from the files' own import statements. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { expect, test } from 'vitest'

const root = dirname(import.meta.dirname)
const workspaces = ['protos', 'models', 'coordinator', 'site-agent']

type Import = { readonly from: string; readonly to: string; readonly typeOnly: boolean }

const imports = workspaces.flatMap((workspace) => filesBelow(workspace).flatMap(importsOf))

test('the reader finds the imports it judges', () => {
  expect(imports.length).toBeGreaterThan(50)
})

test.for([
  { who: 'coordinator/', never: 'site-agent/' },
  { who: 'site-agent/', never: 'coordinator/' },
  { who: 'protos/', never: 'models/' },
  { who: 'protos/', never: 'coordinator/' },
  { who: 'protos/', never: 'site-agent/' },
  { who: 'models/', never: 'coordinator/' },
  { who: 'models/', never: 'site-agent/' },
  { who: 'coordinator/grpc/', never: 'coordinator/store/' },
  { who: 'coordinator/store/', never: 'coordinator/grpc/' },
  { who: 'coordinator/round/', never: 'coordinator/store/' },
  { who: 'coordinator/round/', never: 'coordinator/grpc/' },
  { who: 'site-agent/data/', never: 'site-agent/train/' },
  { who: 'site-agent/data/', never: 'site-agent/round/' },
  { who: 'site-agent/data/', never: 'site-agent/link/' },
  { who: 'site-agent/train/', never: 'site-agent/round/' },
  { who: 'site-agent/train/', never: 'site-agent/link/' },
  { who: 'site-agent/link/', never: 'site-agent/round/' },
])('$who never imports $never', ({ who, never }) => {
  expect(imports.filter(({ from, to }) => from.startsWith(who) && to.startsWith(never))).toEqual([])
})

test('no file imports itself by way of others, types included: the phases of a round import the phases they lead to', () => {
  expect(circles(imports.map(({ from, to }) => [from, to]))).toEqual([])
  expect(
    circles([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'b'],
      ['c', 'd'],
    ]),
  ).toEqual([['b', 'c']])
})

test('the folders that run a run import one another one way, from taking in down to the rules of a round', () => {
  const floors = ['intake', 'attending', 'driving', 'summing', 'run', 'round'].map((name) => `coordinator/${name}`)
  const within = imports.filter(({ from, to }) => [from, to].every((path) => floors.includes(dirname(path))))
  expect(new Set(within.map(({ from }) => dirname(from))).size).toBe(floors.length)
  const floor = (path: string) => floors.indexOf(dirname(path))
  expect(within.filter(({ from, to }) => floor(to) < floor(from))).toEqual([])
})

test('models imports only the errors of protos, and types', () => {
  const others = imports.filter(
    ({ from, to, typeOnly }) =>
      from.startsWith('models/') && to.startsWith('protos/') && to !== 'protos/errors.ts' && !typeOnly,
  )
  expect(others.filter(({ to }) => !to.startsWith('protos/plan/'))).toEqual([])
})

test('rounds, strategies, audits and models do no input or output', () => {
  const effects =
    /^(node:(fs|net|http|https|tls|child_process|worker_threads|sqlite|dgram|http2)|@grpc\/|pino|onnxruntime)/
  const pure = ['coordinator/round/', 'coordinator/audit/', 'protos/strategy/', 'models/']
  expect(imports.filter(({ from, to }) => pure.some((folder) => from.startsWith(folder)) && effects.test(to))).toEqual(
    [],
  )
})

test('generated protocol types stop at the edges', () => {
  const edges = ['protos/', 'coordinator/grpc/', 'coordinator/cli/', 'site-agent/link/']
  const beyond = imports.filter(
    ({ from, to }) => to.startsWith('protos/gen/') && !edges.some((edge) => from.startsWith(edge)),
  )
  expect(beyond).toEqual([])
})

test('the coordinator has no onnxruntime and the site agent no database client', () => {
  const dependencies = (workspace: string): string[] =>
    Object.keys(JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')).dependencies)
  expect(dependencies('coordinator').filter((name) => /onnxruntime|duckdb/.test(name))).toEqual([])
  expect(dependencies('site-agent').filter((name) => /^pg$|aws-sdk/.test(name))).toEqual([])
})

/** Files that reach themselves, in groups that reach one another (Tarjan 1972). */
function circles(edges: readonly (readonly [string, string])[]): string[][] {
  const next = Map.groupBy(edges, ([from]) => from)
  const [order, low, stack] = [new Map<string, number>(), new Map<string, number>(), [] as string[]]
  const found: string[][] = []
  function visit(file: string): void {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    stack.push(file)
    for (const [, to] of next.get(file) ?? []) {
      if (!order.has(to)) visit(to)
      if (stack.includes(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!))
    }
    if (low.get(file) !== order.get(file)) return
    const group = stack.splice(stack.indexOf(file)).sort()
    if (group.length > 1) found.push(group)
  }
  for (const [from] of edges) if (!order.has(from)) visit(from)
  return found
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules') && !path.startsWith(`gen${sep}`))
    .map((path) => posix.join(folder, path.split(sep).join('/')))
}

/** Static and dynamic imports with a literal path, resolved to paths below the root; packages stay as written. */
function importsOf(from: string): Import[] {
  const source = readFileSync(join(root, from), 'utf8')
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'\s*\)/g
  return [...source.matchAll(pattern)].map(([, typeOnly, statically, dynamically]) => ({
    from,
    to: resolveImport(from, statically ?? dynamically ?? ''),
    typeOnly: typeOnly !== undefined,
  }))
}

function resolveImport(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  if (specifier.startsWith('@consilium/')) return specifier.slice('@consilium/'.length)
  return relative('', specifier)
}
