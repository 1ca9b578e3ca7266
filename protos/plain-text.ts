/** Texts, sizes, times and hashes as both command lines show them to people. */

/** Text from elsewhere without the control characters that could redraw or hide what a terminal shows. */
export function printable(text: string): string {
  return printableLines(text).replaceAll('\n', ' ')
}

/** The same for text of several lines, which stay. */
export function printableLines(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here.
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
}

/** `label  value` lines with the values in one column; fields without a value are left out. */
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

/** An ISO time to the second, in UTC, as it stands in the log; `-` where there is none. */
export function formatTime(iso: string): string {
  return iso === '' ? '-' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
}

/** The first twelve digits of a hash: enough to name it to a person and to the coordinator; `-` where there is none. */
export function shortHash(hash: string | undefined): string {
  return hash ? hash.slice(0, 12) : '-'
}
