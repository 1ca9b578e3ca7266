/**
 * Reads a YAML text against a zod schema so that every error names the line and the path where a person has to look.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'

/** Aliases beyond this are a bomb, not a configuration. */
const aliasesMax = 50
const issuesMax = 10

/** The parsed value; throws `invalid-site-config` with one line `<name>:<line>: <path>: <message>` per issue, ten at most. */
export function parseYaml<Schema extends z.ZodType>(text: string, schema: Schema, fileName: string): z.output<Schema> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const broken = document.errors[0]
  if (broken) throw invalid([`${fileName}:${lines.linePos(broken.pos[0]).line}: not YAML: ${broken.message}`])
  const parsed = schema.safeParse(toPlain(document, fileName))
  if (parsed.success) return parsed.data
  throw invalid(
    parsed.error.issues.slice(0, issuesMax).map((issue) => {
      const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
      const where = [...path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])]
      const line = lines.linePos(offsetOf(document, where)).line
      const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
      return `${fileName}:${line}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`
    }),
  )
}

function toPlain(document: Document, fileName: string): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax })
  } catch (cause) {
    throw new FederationError('invalid-site-config', `${fileName}: too many aliases, write the values out`, { cause })
  }
}

/** Offset of the key (or item) a path names; of its nearest ancestor in the file where the path ends outside it. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step)
      if (!pair) return offset
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
      node = pair.value
    } else {
      node = document.getIn(path.slice(0, path.indexOf(step) + 1), true)
      if (!isNode(node)) return offset
      offset = node.range?.[0] ?? offset
    }
  }
  return offset
}

function invalid(lines: readonly string[]): FederationError {
  return new FederationError('invalid-site-config', lines.join('\n'))
}
