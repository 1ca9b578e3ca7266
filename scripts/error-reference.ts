/**
 * The error reference: every code of `protos/errors.ts` with the three sentences of its comment, its exit codes, and what
 * of it leaves a site. `npm run errors` writes it to `protos/errors.md`; a test holds the page to the comments.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exitCodeOf as exitOfConsilium } from '@consilium/coordinator/cli/exit-codes.ts'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import { refusalCodeOf } from '@consilium/protos/refusal-codes.ts'
import { exitCodeOf as exitOfSite } from '@consilium/site-agent/cli/exit-codes.ts'

const protos = join(dirname(import.meta.dirname), 'protos')
export const referencePath = join(protos, 'errors.md')

export type Documented = {
  readonly code: ErrorCode
  readonly group: string
  readonly meaning: string
  readonly normal: string
  readonly whatToDo: string
}

/** Reads the comments; throws for a code without the three parts. */
export function documentedCodes(source = readFileSync(join(protos, 'errors.ts'), 'utf8')): Documented[] {
  const union = source.slice(source.indexOf('export type ErrorCode ='), source.indexOf('export class'))
  let group = ''
  let comment = ''
  return union.split('\n').flatMap((line) => {
    const text = line.trim()
    const code = /^\| '([a-z-]+)'/.exec(text)?.[1]
    if (text.startsWith('//')) group = text.slice(2).trim()
    else if (text.startsWith('/**')) comment = text.replace('/**', '').replace('*/', '')
    else if (text.startsWith('*')) comment += ` ${text.replace(/^\*\/?/, '')}`
    if (!code) return []
    const parts = /^(.+?) Normal: (.+?) Do: (.+)$/.exec(comment.replaceAll(/\s+/g, ' ').trim())
    comment = ''
    if (!parts) throw new Error(`${code}: its comment does not say what it means, when it is normal, and what to do`)
    const [, meaning = '', normal = '', whatToDo = ''] = parts
    return [{ code: code as ErrorCode, group, meaning, normal, whatToDo }]
  })
}

export function errorReference(codes: readonly Documented[] = documentedCodes()): string {
  const sections = [...Map.groupBy(codes, ({ group }) => group)].map(([group, of]) =>
    [`## ${group.replace(/\.$/, '')}`, '', ...head, ...of.map(row), ''].join('\n'),
  )
  return `${opening}\n${sections.join('\n')}`
}

const opening = `# Errors

Made by \`npm run errors\` from the comments in \`errors.ts\`; do not edit. Every error is one of these codes with a message
that names cause and next step. *Exit* is the exit code of \`consilium\` and of \`site-agent\`; *a site says* is all that leaves
a site where such an error ends its part in a round or its view of a study: a code, and no text. What only a coordinator or
its command line meets is \`site-fault\` there as well, like everything that no site expects.
`

const head = [
  '| code | what it means | normal | what to do | exit | a site says |',
  '| --- | --- | --- | --- | --- | --- |',
]

function row({ code, meaning, normal, whatToDo }: Documented): string {
  const exits = `${exitOfConsilium(code)}, ${exitOfSite(code)}`
  return `| \`${code}\` | ${meaning} | ${normal} | ${whatToDo} | ${exits} | \`${refusalCodeOf(code)}\` |`
}

if (process.argv[1] === import.meta.filename) writeFileSync(referencePath, errorReference())
