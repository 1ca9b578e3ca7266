/**
 * How an error crosses the wire: a gRPC status for the world, and the code of protos/errors.ts in the metadata, from which
 * the other end makes the same FederationError again.
 */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import { type ErrorCode, FederationError } from './errors.ts'

/** The trailing metadata key that carries the error code. */
const codeKey = 'consilium-error-code'
const messageCharactersMax = 2000

/** The status a caller sees for an error of ours. */
export function toStatus(error: FederationError): StatusObject {
  const metadata = new Metadata()
  metadata.set(codeKey, error.code)
  return { code: statusOf[error.code], details: error.message.slice(0, messageCharactersMax).toWellFormed(), metadata }
}

/**
 * The error behind a failed call. Without a code of ours the other end did not refuse: the connection or something on
 * the way failed, which is `link-down` (`cancelled` where this end ended the call itself).
 */
export function fromServiceError(error: ServiceError, address: string): FederationError {
  const code = error.metadata?.get(codeKey)[0]
  if (typeof code === 'string' && isErrorCode(code)) return new FederationError(code, error.details, { cause: error })
  if (error.code === status.CANCELLED)
    return new FederationError('cancelled', 'the call was cancelled', { cause: error })
  if (error.code === status.RESOURCE_EXHAUSTED)
    return new FederationError('limit-exceeded', error.details, { cause: error })
  if (error.code === status.UNIMPLEMENTED)
    return new FederationError('message-invalid', `${address} does not know this call: ${error.details}`, {
      cause: error,
    })
  return new FederationError('link-down', `no connection to ${address}: ${causeIn(error.details)}`, { cause: error })
}

/** The cause alone where grpc-js wraps it: "No connection established. Last error: Error: <cause>. Resolution note: ". */
function causeIn(details: string): string {
  return /Last error: (?:Error: )?(.*?)\.? Resolution note:/s.exec(details)?.[1] ?? details
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(statusOf, code)
}

const statusOf: Readonly<Record<ErrorCode, status>> = {
  'invalid-argument': status.INVALID_ARGUMENT,
  'invalid-study': status.INVALID_ARGUMENT,
  'invalid-site-config': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  'invalid-onnx': status.INVALID_ARGUMENT,
  'operator-refused': status.INVALID_ARGUMENT,
  'no-gradient': status.INVALID_ARGUMENT,
  'shape-mismatch': status.INVALID_ARGUMENT,
  'data-missing-column': status.FAILED_PRECONDITION,
  'data-wrong-type': status.FAILED_PRECONDITION,
  'data-out-of-range': status.FAILED_PRECONDITION,
  'data-empty': status.FAILED_PRECONDITION,
  'data-query-refused': status.FAILED_PRECONDITION,
  'data-unreadable': status.FAILED_PRECONDITION,
  'data-too-few': status.FAILED_PRECONDITION,
  'data-changed': status.FAILED_PRECONDITION,
  'data-not-ready': status.FAILED_PRECONDITION,
  'site-fault': status.INTERNAL,
  unauthenticated: status.UNAUTHENTICATED,
  'permission-denied': status.PERMISSION_DENIED,
  'join-code-invalid': status.UNAUTHENTICATED,
  'join-code-expired': status.UNAUTHENTICATED,
  'join-code-used': status.UNAUTHENTICATED,
  'rate-limited': status.RESOURCE_EXHAUSTED,
  'certificate-expired': status.UNAUTHENTICATED,
  'certificate-revoked': status.PERMISSION_DENIED,
  'signature-invalid': status.UNAUTHENTICATED,
  'version-unsupported': status.FAILED_PRECONDITION,
  'already-attending': status.ALREADY_EXISTS,
  'study-unapproved': status.FAILED_PRECONDITION,
  'study-altered': status.FAILED_PRECONDITION,
  'lead-unknown': status.PERMISSION_DENIED,
  'policy-refused': status.PERMISSION_DENIED,
  'stale-round': status.FAILED_PRECONDITION,
  'not-in-cohort': status.PERMISSION_DENIED,
  'cohort-too-small': status.FAILED_PRECONDITION,
  'quorum-lost': status.ABORTED,
  'too-few-contributors': status.ABORTED,
  'update-invalid': status.INVALID_ARGUMENT,
  'hash-mismatch': status.DATA_LOSS,
  'offset-mismatch': status.OUT_OF_RANGE,
  'limit-exceeded': status.RESOURCE_EXHAUSTED,
  'message-invalid': status.INVALID_ARGUMENT,
  'roster-mismatch': status.FAILED_PRECONDITION,
  'thresholds-refused': status.FAILED_PRECONDITION,
  'model-not-in-log': status.FAILED_PRECONDITION,
  'log-forked': status.DATA_LOSS,
  'rollback-refused': status.FAILED_PRECONDITION,
  'directory-invalid': status.INVALID_ARGUMENT,
  'shares-invalid': status.INVALID_ARGUMENT,
  'survivors-invalid': status.INVALID_ARGUMENT,
  'survivors-conflict': status.FAILED_PRECONDITION,
  'quorum-invalid': status.INVALID_ARGUMENT,
  'already-uploaded': status.FAILED_PRECONDITION,
  'attempt-refused': status.FAILED_PRECONDITION,
  'cohort-differencing': status.FAILED_PRECONDITION,
  'other-partners': status.FAILED_PRECONDITION,
  'partners-refused': status.FAILED_PRECONDITION,
  'column-summed': status.FAILED_PRECONDITION,
  'exposures-exceeded': status.FAILED_PRECONDITION,
  'session-lost': status.ABORTED,
  'peer-restored': status.FAILED_PRECONDITION,
  'site-restored': status.FAILED_PRECONDITION,
  'not-restored': status.FAILED_PRECONDITION,
  'coordinator-restored': status.FAILED_PRECONDITION,
  'recovery-refused': status.FAILED_PRECONDITION,
  'sum-not-verified': status.DATA_LOSS,
  'round-unverified': status.ABORTED,
  'coordinator-key-changed': status.FAILED_PRECONDITION,
  'log-broken': status.DATA_LOSS,
  'append-conflict': status.ABORTED,
  'store-failed': status.UNAVAILABLE,
  'trainer-failed': status.ABORTED,
  'link-down': status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
}
