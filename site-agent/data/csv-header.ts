/**
 * The header line of a CSV file (RFC 4180), read here rather than guessed by the database, whose guesses depend on the
 * rows and whose complaints print them.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'

/** Longest header line, bytes. */
const headerBytesMax = 1024 * 1024

/** The column names in file order; `table` is for the message. An empty file has none. */
export function readCsvHeader(path: string, delimiter: string, table: string): string[] {
  const text = readStart(path)
  const names: string[] = []
  let name = ''
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (quoted) {
      if (character !== '"') name += character
      else if (text[i + 1] === '"') name += text[++i]
      else quoted = false
    } else if (character === '"' && name === '') quoted = true
    else if (character === delimiter) {
      names.push(name)
      name = ''
    } else if (character === '\n' || character === '\r') return finish(names, name)
    else name += character
  }
  if (quoted || text.length >= headerBytesMax)
    throw new FederationError('data-unreadable', `${table}: the header line of its file does not end`)
  return text === '' ? [] : finish(names, name)

  function finish(before: readonly string[], last: string): string[] {
    const all = [...before, last].map((each) => each.trim())
    const folded = all.map((each) => each.toLowerCase())
    const twice = folded.findIndex((each, i) => folded.indexOf(each) !== i)
    if (twice >= 0)
      throw new FederationError(
        'data-unreadable',
        `${table}: column ${twice + 1} of the header repeats an earlier name`,
      )
    return all
  }
}

function readStart(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(headerBytesMax)
    const length = readSync(file, bytes, 0, headerBytesMax, 0)
    return new TextDecoder('utf-8').decode(bytes.subarray(0, length))
  } finally {
    closeSync(file)
  }
}
