/** What the command line shows people: a terminal, tables, fields, numbers with units; red where it must not be missed. */
import { styleText } from 'node:util'

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

/** `label  value` lines with the values in one column; a field without a value is left out. */
export function fields(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.flatMap(([label, value]) => (value ? [[label, value] as const] : []))
  const width = Math.max(0, ...shown.map(([label]) => label.length))
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}\n`).join('')
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

export function formatTraffic({ messages, bytes }: { readonly messages: number; readonly bytes: number }): string {
  return `${messages} ${messages === 1 ? 'message' : 'messages'}, ${formatBytes(bytes)}`
}

/** An ISO time to the second; `-` where there is none. */
export function formatTime(iso: string): string {
  return iso === '' ? '-' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
}

/** The first twelve digits of a hash: enough to name it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12) || '-'
}

/** Text from elsewhere without the control characters that could redraw or hide what a terminal shows. */
export function printable(text: string): string {
  return printableLines(text).replaceAll('\n', ' ')
}

/** The same for text of several lines, which stay. */
export function printableLines(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here.
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
}
