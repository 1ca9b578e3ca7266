/** What sites say they take no part in, one line each, for `site list` and `study show`. */
import { printable } from '@consilium/protos/plain-text.ts'
import { refusalText } from '@consilium/protos/refusal-codes.ts'
import type { SiteView } from '../services.ts'

const whats = { statistics: 'the statistics', evaluate: 'the evaluations', all: 'all rounds' }

/** `study`: of that one alone. */
export function standsOutText(sites: readonly Pick<SiteView, 'name' | 'standsOut'>[], study?: string): string {
  const lines = sites.flatMap(({ name, standsOut }) =>
    standsOut
      .filter(({ studyHash }) => study === undefined || studyHash === study)
      .map(({ studyHash, studyName, purpose, code }) => {
        const which = `study ${studyName || studyHash.slice(0, 12)}`
        return printable(`${name} takes no part in ${whats[purpose]} of ${which}: ${refusalText(code)}`)
      }),
  )
  return lines.map((line) => `${line}\n`).join('')
}
