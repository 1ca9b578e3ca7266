/** Errors over the wire: every refusal arrives with the code it was thrown with; what never arrived is a broken link. */
import { readFileSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'
import { fromServiceError, isErrorCode, toStatus } from '@consilium/protos/status.ts'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'

/** The codes as the source lists them: the union itself is gone when the tests run. */
const source = readFileSync(new URL('../../protos/errors.ts', import.meta.url), 'utf8')
const codes = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, code]) => code ?? '')

function asServiceError({ code, details, metadata }: ReturnType<typeof toStatus>): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata })
}

function failure(code: status, details = 'failed'): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() })
}

describe('a refusal', () => {
  test('has one of many codes', () => {
    expect(codes.length).toBeGreaterThan(40)
    expect(codes.every(isErrorCode)).toBe(true)
    expect(isErrorCode('constructor')).toBe(false)
    expect(isErrorCode('no-such-code')).toBe(false)
  })

  test.for(codes)('%s arrives as it was thrown', (code) => {
    if (!isErrorCode(code)) throw new Error(`${code} is no error code`)
    const sent = toStatus(new FederationError(code, 'column age: row 3 is out of range'))
    expect(sent.code).not.toBe(status.OK)
    const arrived = fromServiceError(asServiceError(sent), 'coordinator:7443')
    expect(arrived).toMatchObject({ code, message: 'column age: row 3 is out of range' })
  })

  test('with a very long message or half a character arrives shortened and well formed', () => {
    const { details } = toStatus(new FederationError('internal', `${'x'.repeat(1999)}\ud83d\ude00`))
    expect(details).toHaveLength(2000)
    expect(details?.isWellFormed()).toBe(true)
  })
})

describe('a failure without a code of ours', () => {
  test.for([
    ['UNAVAILABLE', status.UNAVAILABLE, 'link-down'],
    ['DEADLINE_EXCEEDED', status.DEADLINE_EXCEEDED, 'link-down'],
    ['INTERNAL', status.INTERNAL, 'link-down'],
    ['CANCELLED', status.CANCELLED, 'cancelled'],
    ['RESOURCE_EXHAUSTED', status.RESOURCE_EXHAUSTED, 'limit-exceeded'],
    ['UNIMPLEMENTED', status.UNIMPLEMENTED, 'message-invalid'],
  ] as const)('%s is %s', ([, code, expected]) => {
    expect(fromServiceError(failure(code), 'coordinator:7443')).toMatchObject({ code: expected })
  })

  test('names the address that was not reached', () => {
    expect(fromServiceError(failure(status.UNAVAILABLE), 'coordinator:7443').message).toContain('coordinator:7443')
  })

  test('is no refusal because its metadata holds a code that nobody knows', () => {
    const error = failure(status.PERMISSION_DENIED)
    error.metadata.set('consilium-error-code', 'all-is-well')
    expect(fromServiceError(error, 'coordinator:7443').code).toBe('link-down')
  })
})
