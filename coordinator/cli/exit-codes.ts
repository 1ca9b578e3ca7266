/** The exit codes of `consilium`: few, documented, chosen by the error's code alone. */
import type { ErrorCode } from '@consilium/protos/errors.ts'

export const exitCodes = { ok: 0, failure: 1, usage: 2, refused: 3, notReachable: 4, interrupted: 130 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** One line each, as `--help` prints them. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, 'done'],
  [exitCodes.failure, 'failed: a run that failed or was cancelled, a log that does not verify, a disk that is full'],
  [exitCodes.usage, 'what was written is wrong: a command, an option, a study file, a model'],
  [exitCodes.refused, 'the coordinator refused: not found, already there, not allowed, over a limit'],
  [exitCodes.notReachable, 'the coordinator is not running or not reachable'],
  [exitCodes.interrupted, 'interrupted with Ctrl-C'],
]

export function exitCodeOf(code: ErrorCode): ExitCode {
  if (usage.has(code)) return exitCodes.usage
  if (refused.has(code)) return exitCodes.refused
  return code === 'link-down' ? exitCodes.notReachable : exitCodes.failure
}

const usage: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid-argument',
  'invalid-study',
  'invalid-site-config',
  'invalid-onnx',
  'operator-refused',
  'no-gradient',
  'shape-mismatch',
])

const refused: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-found',
  'already-exists',
  'unauthenticated',
  'permission-denied',
  'rate-limited',
  'certificate-expired',
  'certificate-revoked',
  'signature-invalid',
  'study-unapproved',
  'study-altered',
  'lead-unknown',
  'stale-round',
  'cohort-too-small',
  'cohort-differencing',
  'partners-refused',
  'not-restored',
  'coordinator-restored',
  'limit-exceeded',
  'message-invalid',
])
