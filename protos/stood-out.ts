/** What a site says it takes no part in, as it crosses the wire: a study, a purpose, and why by one of four codes. */
import type { StoodOut } from './control-messages.ts'
import { choiceField, hashField, listField } from './fields.ts'
import type { StandsOut__Output } from './gen/consilium/v1/StandsOut.ts'
import { standsOutMax } from './limits.ts'

const purposes = ['statistics', 'evaluate', 'all'] as const
const codes = ['site-fault', 'site-restored', 'data-not-ready', 'policy-refused'] as const

export function standsOutField({ of }: StandsOut__Output): readonly StoodOut[] {
  return listField(
    of,
    'of',
    standsOutMax,
    ({ studyHash, purpose, code }, field) => ({
      study: hashField(studyHash, `${field}.study_hash`),
      purpose: choiceField(purpose, `${field}.purpose`, purposes),
      code: choiceField(code, `${field}.code`, codes),
    }),
    0,
  )
}

export function wireStandsOut(of: readonly StoodOut[]) {
  return { of: of.map(({ study, purpose, code }) => ({ studyHash: Buffer.from(study, 'hex'), purpose, code })) }
}
