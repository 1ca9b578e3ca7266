/** An error of ours is the same error again at the other end of the wire; anything else is a link that is down. */
import { FederationError } from '@consilium/protos/errors.ts'
import { fromServiceError, isErrorCode, toStatus } from '@consilium/protos/status.ts'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'

test.for(['certificate-revoked', 'offset-mismatch', 'rate-limited', 'internal'] as const)(
  '%s arrives as itself',
  (code) => {
    const sent = toStatus(new FederationError(code, 'why'))
    const received = fromServiceError(Object.assign(new Error('grpc text'), sent), 'host:1')
    expect(received).toMatchObject({ code, message: 'why' })
  },
)

test.for([
  { grpc: status.UNAVAILABLE, code: 'link-down' },
  { grpc: status.INTERNAL, code: 'link-down' },
  { grpc: status.UNKNOWN, code: 'link-down' },
  { grpc: status.UNAUTHENTICATED, code: 'link-down' },
  { grpc: status.DEADLINE_EXCEEDED, code: 'link-down' },
  { grpc: status.CANCELLED, code: 'cancelled' },
  { grpc: status.RESOURCE_EXHAUSTED, code: 'limit-exceeded' },
  { grpc: status.UNIMPLEMENTED, code: 'message-invalid' },
])('status $grpc without a code of ours is $code', ({ grpc, code }) => {
  expect(fromServiceError(serviceError(grpc, new Metadata()), 'host:1').code).toBe(code)
})

test('a connection that was refused says why in its own words', () => {
  const details = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:7443. Resolution note: '
  const error = { ...serviceError(status.UNAVAILABLE, new Metadata()), details }
  expect(fromServiceError(error, 'host:1').message).toBe('no connection to host:1: connect ECONNREFUSED 127.0.0.1:7443')
})

test('a code that is none of ours is not believed', () => {
  const metadata = new Metadata()
  metadata.set('consilium-error-code', 'toString')
  expect(isErrorCode('toString')).toBe(false)
  expect(fromServiceError(serviceError(status.ABORTED, metadata), 'host:1').code).toBe('link-down')
})

test('a long message is cut, and half a character never leaves', () => {
  expect(toStatus(new FederationError('not-found', 'x'.repeat(5000))).details).toHaveLength(2000)
  expect(toStatus(new FederationError('not-found', `${'x'.repeat(1999)}😀`)).details.isWellFormed()).toBe(true)
})

function serviceError(code: status, metadata: Metadata): ServiceError {
  return Object.assign(new Error('grpc text'), { code, metadata, details: 'grpc text' })
}
