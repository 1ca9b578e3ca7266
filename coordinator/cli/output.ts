/**
 * What the command line shows: tables, bars, metrics, colours. Progress and colours only where standard output
 * is a terminal; NO_COLOR (no-color.org) is respected.
 */
import { styleText } from 'node:util'
import { printable } from '@consilium/protos/plain-text.ts'

/** Where a command writes; tests hand in their own. */
export type Terminal = {
  /** True where standard output is a terminal that can be redrawn. */
  readonly isLive: boolean
  readonly hasColor: boolean
  /** Width and height in characters. */
  readonly columns: number
  readonly rows: number
  write(text: string): void
  writeError(text: string): void
}

type OutputStream = {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

export function processTerminal(
  environment: NodeJS.ProcessEnv = process.env,
  stdout: OutputStream = process.stdout,
): Terminal {
  const isLive = stdout.isTTY === true && environment.TERM !== 'dumb'
  return {
    isLive,
    hasColor: isLive && !environment.NO_COLOR,
    get columns() {
      return stdout.columns ?? 100
    },
    get rows() {
      return stdout.rows ?? 24
    },
    write: (text) => void stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
  }
}

/** Rows under a header, columns as wide as their widest cell; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => printable(row[i] ?? '').length)))
  const toTheRight = header.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^(-|[\d.,]+)( [a-zA-Z%]+)?$/.test(row[i] ?? '')),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        toTheRight[i] ? printable(cell).padStart(widths[i] ?? 0) : printable(cell).padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(header), ...rows.map(line)].map((text) => `${text}\n`).join('')
}

/** A bar of `width` characters, `done` of `total` filled. */
export function bar(done: number, total: number, width: number): string {
  const filled = total > 0 ? Math.min(width, Math.floor((done / total) * width)) : 0
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

/** A metric with four decimals; `-` where there is none. */
export function formatMetric(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(4)
}

export function colored(terminal: Terminal, color: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string {
  return terminal.hasColor ? styleText(color, text, { validateStream: false }) : text
}
