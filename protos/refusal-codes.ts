/**
 * What of a site's refusal crosses the wire: one code of a closed list, and no text (fedsum, section E.1). Whatever hangs on
 * the hospital's records is one and the same code, so that a series of studies reads nothing from the refusals; cause,
 * column, row, file and next step stand in the site's own log and `status`.
 */
import type { ErrorCode } from './errors.ts'

/** What a site checks of a plan, a study, its peers and the coordinator: these hang on what it was sent, on no record. */
const ofWhatWasSent = [
  'invalid-study',
  'invalid-onnx',
  'operator-refused',
  'no-gradient',
  'shape-mismatch',
  'study-unapproved',
  'study-altered',
  'lead-unknown',
  'policy-refused',
  'stale-round',
  'not-in-cohort',
  'cohort-too-small',
  'message-invalid',
  'signature-invalid',
  'hash-mismatch',
  'roster-mismatch',
  'thresholds-refused',
  'model-not-in-log',
  'log-forked',
  'rollback-refused',
  'recovery-refused',
  'directory-invalid',
  'shares-invalid',
  'survivors-invalid',
  'survivors-conflict',
  'quorum-invalid',
  'already-uploaded',
  'attempt-refused',
  'cohort-differencing',
  'other-partners',
  'column-summed',
  'exposures-exceeded',
  'session-lost',
  'peer-restored',
  'site-restored',
  'sum-not-verified',
] as const satisfies readonly ErrorCode[]

export const refusalCodes = [...ofWhatWasSent, 'data-not-ready', 'site-fault'] as const
export type RefusalCode = (typeof refusalCodes)[number]

/** The code that leaves for an error at the site. */
export function refusalCodeOf(code: ErrorCode): RefusalCode {
  const sent = refusalCodes.find((each) => each === code)
  if (sent) return sent
  return hangsOnData(code) ? 'data-not-ready' : 'site-fault'
}

/** Whether an error can hang on what the records are: their files, columns, values, how many there are. */
export function hangsOnData(code: ErrorCode): boolean {
  return code.startsWith('data-') || code === 'invalid-site-config' || code === 'limit-exceeded'
}

/** What whoever runs the study reads of a refusal. */
export function refusalText(code: RefusalCode): string {
  if (code === 'data-not-ready')
    return 'data-not-ready: its data do not fit the study as they are; why stands in its own log and status'
  if (code === 'site-fault')
    return 'site-fault: something is wrong there (machine, disk, keys; in statistics and evaluations also trainer or data); what stands in its own log and status'
  return `${code}: the site's own log and status say what it found`
}

export function isRefusalCode(code: string): code is RefusalCode {
  return (refusalCodes as readonly string[]).includes(code)
}
