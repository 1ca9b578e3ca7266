/**
 * A template tag that escapes everything put into it but what it made itself, so that no name or reason becomes markup.
 * Attributes stand in double quotes.
 */

export type Html = { readonly markup: string }

type Part = string | number | Html | readonly Html[]

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const markup = strings.reduce((text, string, i) => text + string + (i < parts.length ? render(parts[i]!) : ''), '')
  return { markup }
}

function render(part: Part): string {
  if (typeof part === 'string') return escapeHtml(part)
  if (typeof part === 'number') return String(part)
  if ('markup' in part) return part.markup
  return part.map(({ markup }) => markup).join('')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`)
}
