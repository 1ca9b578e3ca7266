/**
 * Reads `study.yaml` (YAML 1.2) into a study. Every mistake is named with its line, column and path and with what is
 * allowed there, so that a research lead can mend the file without reading the schema.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { FederationError } from '../errors.ts'
import { planBytesMax } from '../limits.ts'
import { type Study, studySchema } from './study.ts'

/** Mistakes listed in one message. */
const mistakesMax = 20

type Path = readonly PropertyKey[]
type Mistake = { readonly line: number; readonly column: number; readonly text: string }

/** The study in the bytes of a study file, defaults filled in; throws `invalid-study` or `limit-exceeded`. */
export function readStudyFile(bytes: Uint8Array, fileName: string): Study {
  if (bytes.length > planBytesMax)
    throw new FederationError(
      'limit-exceeded',
      `${fileName} has ${bytes.length} bytes, a study file at most ${planBytesMax}`,
    )
  const lines = new LineCounter()
  const document = parseDocument(decodeText(bytes, fileName), { lineCounter: lines, prettyErrors: false })
  const flaws = [...document.errors, ...document.warnings]
  if (flaws.length > 0)
    throw refusal(
      fileName,
      flaws.map(({ pos, code, message }) => ({
        ...at(lines, pos[0]),
        text: code === 'MULTIPLE_DOCS' ? 'a study file holds one document, a second one starts here' : message,
      })),
    )
  const value = plainValue(document, fileName)
  const parsed = studySchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refusal(
    fileName,
    parsed.error.issues.flatMap((issue) => mistakes(document, lines, value, issue, [])),
  )
}

function refusal(fileName: string, all: readonly Mistake[]): FederationError {
  const sorted = [...all].sort((a, b) => a.line - b.line || a.column - b.column)
  const shown = sorted
    .slice(0, mistakesMax)
    .map(({ line, column, text }) => `  ${fileName}:${line}:${column} ${text.replaceAll('\n', ' ')}`)
  if (sorted.length > mistakesMax) shown.push(`  and ${sorted.length - mistakesMax} more`)
  const count = sorted.length === 1 ? 'one mistake' : `${sorted.length} mistakes`
  return new FederationError('invalid-study', `${fileName} has ${count}:\n${shown.join('\n')}`)
}

function decodeText(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FederationError('invalid-study', `${fileName} is not UTF-8 text: save it as UTF-8`)
  }
}

function plainValue(document: Document.Parsed, fileName: string): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    throw new FederationError('invalid-study', `${fileName} repeats its aliases too often: write the values out`, {
      cause,
    })
  }
}

function mistakes(document: Document, lines: LineCounter, value: unknown, issue: z.core.$ZodIssue, base: Path) {
  const path = [...base, ...issue.path]
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = likeliestBranch(issue.errors)
    if (branch) return branch.flatMap((inner): Mistake[] => mistakes(document, lines, value, inner, path))
    const alternatives = issue.errors.flatMap((errors) => errors.map(expectation))
    return [mistake(document, lines, path, [...new Set(alternatives)].join(', or '))]
  }
  if (issue.code === 'unrecognized_keys') {
    const allowed = `allowed here: ${allowedKeys(studySchema, value, path).join(', ')}`
    return issue.keys.map((key) => mistake(document, lines, [...path, key], `unknown key; ${allowed}`, true))
  }
  return [mistake(document, lines, path, expectation(issue))]
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
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return `missing, expected ${issue.expected}`
  return issue.message.replace(/^(Invalid input|Too small|Too big): /, '')
}

function mistake(document: Document, lines: LineCounter, path: Path, text: string, atKey = false): Mistake {
  return { ...at(lines, offsetOf(document, path, atKey)), text: `${formatPath(path)}: ${text}` }
}

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** Where the value (or the key) at `path` stands; where nothing stands there, the nearest value around it. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (!isNode(node)) continue
    return (atKey && depth === path.length ? keyOffset(document, path) : undefined) ?? node.range?.[0] ?? 0
  }
  return 0
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(parent)) return undefined
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined
}

function formatPath(path: Path): string {
  if (path.length === 0) return 'the file'
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('')
}

/** Keys the schema knows at `path`; where it depends on a discriminator, those that go with the one in `value`. */
function allowedKeys(schema: z.core.$ZodType, value: unknown, path: Path): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'default' || def.type === 'prefault' || def.type === 'optional')
    return allowedKeys(def.innerType, value, path)
  if (def.type === 'union')
    return [
      ...new Set(
        def.options.filter((option) => fits(option, value)).flatMap((option) => allowedKeys(option, value, path)),
      ),
    ]
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
