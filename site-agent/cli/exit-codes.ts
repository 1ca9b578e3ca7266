/** The exit codes of `site-agent`: few, documented, chosen by the error's code alone. */
import type { ErrorCode } from '@consilium/protos/errors.ts'

export const exitCodes = { ok: 0, failure: 1, usage: 2, refused: 3, notReachable: 4, notJoined: 5 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** One line each, as `--help` and the README print them. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, 'done; for run: stopped by a signal'],
  [exitCodes.failure, 'failed: data that do not fit, a ledger that does not verify, a disk that is full'],
  [exitCodes.usage, 'what was written is wrong: a command, an option, site.yaml, policy.yaml'],
  [
    exitCodes.refused,
    'refused: unknown study or site, another fingerprint, bad join code, another agent runs here, not allowed',
  ],
  [exitCodes.notReachable, 'the coordinator is not reachable'],
  [exitCodes.notJoined, 'this site has not joined, or is no longer a member (certificate revoked or expired)'],
]

export function exitCodeOf(code: ErrorCode): ExitCode {
  return byErrorCode[code] ?? exitCodes.failure
}

const byErrorCode: { readonly [Code in ErrorCode]?: ExitCode } = {
  'invalid-argument': exitCodes.usage,
  'invalid-site-config': exitCodes.usage,
  'not-found': exitCodes.refused,
  'already-exists': exitCodes.refused,
  'not-restored': exitCodes.refused,
  'coordinator-restored': exitCodes.refused,
  'permission-denied': exitCodes.refused,
  'policy-refused': exitCodes.refused,
  'partners-refused': exitCodes.refused,
  'rate-limited': exitCodes.refused,
  'join-code-invalid': exitCodes.refused,
  'join-code-expired': exitCodes.refused,
  'join-code-used': exitCodes.refused,
  'signature-invalid': exitCodes.refused,
  'roster-mismatch': exitCodes.refused,
  'link-down': exitCodes.notReachable,
  unauthenticated: exitCodes.notJoined,
  'certificate-expired': exitCodes.notJoined,
  'certificate-revoked': exitCodes.notJoined,
}
