/**
 * What the command line shows: tables, bars, numbers with units, colours. Progress and colours only where standard output
 * is a terminal; NO_COLOR (no-color.org) is respected.
 */
import { styleText } from 'node:util'

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

/** `label  value` lines with the values in one column; fields without a value are left out. */
export function fields(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined && pair[1] !== '')
  const width = Math.max(0, ...shown.map(([label]) => label.length))
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}\n`).join('')
}

/** A bar of `width` characters, `done` of `total` filled. */
export function bar(done: number, total: number, width: number): string {
  const filled = total > 0 ? Math.min(width, Math.floor((done / total) * width)) : 0
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`
}

/** A metric with four decimals; `-` where there is none. */
export function formatMetric(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(4)
}

/** An ISO time to the second, in UTC, as it stands in the log; `-` where there is none. */
export function formatTime(iso: string): string {
  return iso === '' ? '-' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
}

/** The first twelve digits of a hash: enough to name it to a person and to the coordinator. */
export function shortHash(hash: string | undefined): string {
  return hash ? hash.slice(0, 12) : '-'
}

export function colored(terminal: Terminal, color: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string {
  return terminal.hasColor ? styleText(color, text, { validateStream: false }) : text
}

/** Text from elsewhere without the control characters that could redraw or hide what a terminal shows. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}
