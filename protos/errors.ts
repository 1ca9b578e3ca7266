/**
 * The one error class of the house: a closed union of codes, so that every boundary (gRPC status, exit code, log line)
 * is chosen in one place. The message names the cause and the next step, and never holds a patient's value.
 */

export type ErrorCode =
  // What a person wrote: a study, a site's configuration, a command.
  | 'invalid-argument'
  | 'invalid-study'
  | 'invalid-site-config'
  | 'not-found'
  | 'already-exists'
  // Models and graphs.
  | 'invalid-onnx'
  | 'operator-refused'
  | 'no-gradient'
  | 'shape-mismatch'
  // A site's data.
  | 'data-missing-column'
  | 'data-wrong-type'
  | 'data-out-of-range'
  | 'data-empty'
  | 'data-query-refused'
  | 'data-unreadable'
  /** Fewer rows or patients than this site lets a study have; a person here may accept it. */
  | 'data-too-few'
  /** All that leaves a site of any of these. */
  | 'data-not-ready'
  // Identity and access.
  | 'unauthenticated'
  | 'permission-denied'
  | 'join-code-invalid'
  | 'join-code-expired'
  | 'join-code-used'
  | 'rate-limited'
  | 'certificate-expired'
  | 'certificate-revoked'
  | 'signature-invalid'
  | 'version-unsupported'
  | 'already-attending'
  // Studies and consent.
  | 'study-unapproved'
  | 'study-altered'
  | 'lead-unknown'
  /** The study breaks a rule of the site's policy that no person there accepted. */
  | 'policy-refused'
  // Rounds and transfers.
  | 'stale-round'
  | 'not-in-cohort'
  | 'cohort-too-small'
  | 'quorum-lost'
  | 'too-few-contributors'
  | 'deadline-passed'
  | 'update-invalid'
  | 'hash-mismatch'
  | 'offset-mismatch'
  | 'limit-exceeded'
  | 'message-invalid'
  // Secure aggregation: what a site checks of the coordinator and of its peers (fedsum, S1 to S7).
  | 'roster-mismatch'
  | 'thresholds-refused'
  | 'model-not-in-log'
  | 'log-forked'
  | 'rollback-refused'
  | 'directory-invalid'
  | 'shares-invalid'
  | 'survivors-invalid'
  | 'survivors-conflict'
  | 'quorum-invalid'
  | 'already-uploaded'
  | 'cohort-differencing'
  | 'other-partners'
  | 'exposures-exceeded'
  | 'session-lost'
  | 'peer-restored'
  | 'site-restored'
  | 'not-restored'
  | 'sum-not-verified'
  | 'round-unverified'
  | 'coordinator-key-changed'
  // The log and the stores.
  | 'log-broken'
  | 'append-conflict'
  | 'store-failed'
  // Processes and links.
  | 'trainer-failed'
  /** All that leaves a site of a full disk, a lost key, a dead process before its work has begun. */
  | 'site-fault'
  | 'link-down'
  | 'cancelled'
  | 'internal'

export class FederationError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FederationError'
    this.code = code
  }
}

/** The code of any thrown value: its own for a {@link FederationError}, else `internal`. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof FederationError ? error.code : 'internal'
}

/** The message of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What the operating system refused, such as a path that is no folder, as an error of ours; undefined for other values. */
export function refusedBySystem(error: unknown): FederationError | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'errno' in error)) return undefined
  return new FederationError('store-failed', error.message, { cause: error })
}
