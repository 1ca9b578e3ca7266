/** What the command line shows people: a terminal and its tables; red where it must not be missed. */
import { styleText } from 'node:util'
import { formatBytes, printable } from '@consilium/protos/plain-text.ts'

/** Where a command writes; tests hand in their own. */
export type Terminal = {
  /** True where standard output is a terminal whose last line can be redrawn. */
  readonly isLive: boolean
  /** Such a terminal, unless NO_COLOR (no-color.org) says otherwise. */
  readonly hasColor: boolean
  /** Width in characters. */
  readonly columns: number
  write(text: string): void
  writeError(text: string): void
}

export function processTerminal(environment: NodeJS.ProcessEnv = process.env): Terminal {
  const isLive = process.stdout.isTTY === true && environment.TERM !== 'dumb'
  return {
    isLive,
    hasColor: isLive && !environment.NO_COLOR,
    get columns() {
      return process.stdout.columns ?? 100
    },
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
  }
}

/** Text of this program's own in red and bold; as it is where there are no colours. */
export function alarming({ hasColor }: Terminal, text: string): string {
  return hasColor ? styleText(['red', 'bold'], text, { validateStream: false }) : text
}

/** Rows under a header, every column as wide as its widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, i) => Math.max(...lines.map((row) => row[i]?.length ?? 0)))
  return lines
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

export function formatTraffic({ messages, bytes }: { readonly messages: number; readonly bytes: number }): string {
  return `${messages} ${messages === 1 ? 'message' : 'messages'}, ${formatBytes(bytes)}`
}
