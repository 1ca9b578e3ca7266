/**
 * Reads a file that a person wrote (YAML 1.2) against its schema. Every mistake is named with its line, column and path
 * and with what is allowed there, so that it can be mended without reading the schema. The time that takes grows with the
 * file and no faster, whatever is in it.
 */
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type ErrorCode, FederationError } from './errors.ts'

/** Mistakes listed in one message. */
const mistakesMax = 20

type Path = readonly PropertyKey[]
type Mistake = { readonly line: number; readonly column: number; readonly text: string }

export type YamlFile<Schema extends z.ZodType> = {
  /** As the messages call it. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly bytesMax: number
  readonly schema: Schema
  /** Code of every refusal but `limit-exceeded`. */
  readonly code: ErrorCode
}

/** The value in the file, defaults filled in; throws `code` or `limit-exceeded`. */
export function readYamlFile<Schema extends z.ZodType>(file: YamlFile<Schema>): z.output<Schema> {
  const { name, bytes, bytesMax, schema, code } = file
  if (bytes.length > bytesMax)
    throw new FederationError('limit-exceeded', `${name} has ${bytes.length} bytes, ${bytesMax} are allowed`)
  const refuse = (all: readonly Mistake[]) => new FederationError(code, describe(name, all))
  const lines = new LineCounter()
  // The library compares each key with all others of its map; `findOffsets` needs one pass.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false }
  const document = parseDocument(decodeText(file), options)
  const flaws = [...document.errors, ...document.warnings]
  if (flaws.length > 0)
    throw refuse(
      flaws.map(({ pos, code, message }) => ({
        ...at(lines, pos[0]),
        text: flawText(code, message),
      })),
    )
  const { offsets, repeated } = findOffsets(document)
  if (repeated.length > 0)
    throw refuse(repeated.map((offset) => ({ ...at(lines, offset), text: 'this key stands in its map twice' })))
  const value = plainValue(document, file)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const source = { offsets, lines, schema, value }
  throw refuse(parsed.error.issues.flatMap((issue) => mistakes(source, issue, [])))
}

function flawText(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'the file holds one document, a second one starts here'
  // The parser calls itself for each list in a list.
  return message.includes('call stack') ? 'lists and maps are nested too deeply here' : message
}

type Source = {
  readonly offsets: Offsets
  readonly lines: LineCounter
  readonly schema: z.core.$ZodType
  readonly value: unknown
}

function describe(name: string, all: readonly Mistake[]): string {
  const sorted = [...all].sort((a, b) => a.line - b.line || a.column - b.column)
  const shown = sorted
    .slice(0, mistakesMax)
    .map(({ line, column, text }) => `  ${name}:${line}:${column} ${text.replaceAll('\n', ' ')}`)
  if (sorted.length > mistakesMax) shown.push(`  and ${sorted.length - mistakesMax} more`)
  const count = sorted.length === 1 ? 'one mistake' : `${sorted.length} mistakes`
  return `${name} has ${count}:\n${shown.join('\n')}`
}

function decodeText({ bytes, name, code }: YamlFile<z.ZodType>): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FederationError(code, `${name} is not UTF-8 text: save it as UTF-8`)
  }
}

function plainValue(document: Document.Parsed, { name, code }: YamlFile<z.ZodType>): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    throw new FederationError(code, `${name} repeats its aliases too often: write the values out`, { cause })
  }
}

function mistakes(source: Source, issue: z.core.$ZodIssue, base: Path): Mistake[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = likeliestBranch(issue.errors)
    if (branch) return branch.flatMap((inner) => mistakes(source, inner, path))
    const alternatives = issue.errors.flatMap((errors) => errors.map(expectation))
    return [mistake(source, path, [...new Set(alternatives)].join(', or '))]
  }
  if (issue.code === 'unrecognized_keys') {
    const allowed = `allowed here: ${allowedKeys(source.schema, source.value, path).join(', ')}`
    return issue.keys.map((key) => mistake(source, [...path, key], `unknown key; ${allowed}`, true))
  }
  return [mistake(source, path, expectation(issue), issue.code === 'invalid_key')]
}

/** Of a union, the branch the author most likely meant; undefined where the value is no branch's kind of value. */
function likeliestBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const inside = branches.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  )
  return inside.sort((a, b) => a.length - b.length)[0]
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options))
    return `expected ${issue.options.map((option) => JSON.stringify(option)).join(' or ')}`
  if (issue.code === 'invalid_value')
    return `expected ${issue.values.map((option) => JSON.stringify(option)).join(' or ')}`
  if (issue.code === 'invalid_format') return `expected ${issue.message.replace(/^Invalid [^:]*: /, '')}`
  if (issue.code === 'invalid_key' && issue.message === 'Invalid key in record')
    return issue.issues.map((inner) => `not a name that may stand here: ${expectation(inner)}`).join(', or ')
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return `missing, expected ${issue.expected}`
  return issue.message.replace(/^(Invalid input|Too small|Too big): /, '')
}

function mistake({ offsets, lines }: Source, path: Path, text: string, atKey = false): Mistake {
  return { ...at(lines, offsetOf(offsets, path, atKey)), text: `${formatPath(path)}: ${text}` }
}

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** Where each value of the document stands, and its key, by the path of the value. */
type Offsets = ReadonlyMap<string, { readonly key?: number; readonly value: number }>

/** One pass over the document; `repeated` are the keys that stand in a map for a second time. */
function findOffsets(document: Document): { readonly offsets: Offsets; readonly repeated: readonly number[] } {
  const offsets = new Map<string, { readonly key?: number; readonly value: number }>()
  const repeated: number[] = []
  const waiting: { readonly node: unknown; readonly path: string; readonly key?: number }[] = [
    { node: document.contents, path: '' },
  ]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, path, key } = next
    const value = isNode(node) ? (node.range?.[0] ?? 0) : (key ?? 0)
    offsets.set(path, key === undefined ? { value } : { key, value })
    if (isSeq(node)) for (const [i, item] of node.items.entries()) waiting.push({ node: item, path: inside(path, i) })
    if (!isMap(node)) continue
    const names = new Set<string>()
    for (const pair of node.items) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key)
      const at = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0
      if (names.has(name)) repeated.push(at)
      names.add(name)
      waiting.push({ node: pair.value, path: inside(path, name), key: at })
    }
  }
  return { offsets, repeated }
}

function inside(path: string, part: PropertyKey): string {
  return `${path}\0${String(part)}`
}

/** Where the value (or the key) at `path` stands; where nothing stands there, the nearest value around it. */
function offsetOf(offsets: Offsets, path: Path, atKey: boolean): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const found = offsets.get(path.slice(0, depth).reduce<string>(inside, ''))
    if (found) return (atKey && depth === path.length ? found.key : undefined) ?? found.value
  }
  return 0
}

function formatPath(path: Path): string {
  if (path.length === 0) return 'the file'
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('')
}

/** Keys the schema knows at `path`; where it depends on a discriminator, those that go with the one in `value`. */
function allowedKeys(schema: z.core.$ZodType, value: unknown, path: Path): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'default' || def.type === 'prefault' || def.type === 'optional' || def.type === 'nullable')
    return allowedKeys(def.innerType, value, path)
  if (def.type === 'union')
    return [
      ...new Set(
        def.options.filter((option) => fits(option, value)).flatMap((option) => allowedKeys(option, value, path)),
      ),
    ]
  if (def.type === 'pipe') return allowedKeys(def.in, value, path)
  if (def.type === 'array') return allowedKeys(def.element, member(value, path[0]), path.slice(1))
  if (def.type !== 'object') return []
  const [key, ...rest] = path
  if (key === undefined) return Object.keys(def.shape)
  const field = def.shape[String(key)]
  return field ? allowedKeys(field, member(value, key), rest) : []
}

/** False for an object schema with a literal field (a discriminator) that `value` holds another literal for. */
function fits(schema: z.core.$ZodType, value: unknown): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type !== 'object') return true
  return Object.entries(def.shape).every(([key, field]) => {
    const fieldDef = (field as z.core.$ZodTypes)._zod.def
    return fieldDef.type !== 'literal' || fieldDef.values.includes(member(value, key) as string)
  })
}

function member(value: unknown, key: PropertyKey | undefined): unknown {
  return typeof value === 'object' && value !== null && key !== undefined
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined
}
