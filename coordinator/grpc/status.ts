/**
 * Where an error becomes what a caller sees: a FederationError its own status, anything else `internal error` outside and
 * a log line inside.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { toStatus } from '@consilium/protos/status.ts'
import type { StatusObject } from '@grpc/grpc-js'
import type { Logger } from 'pino'

export function answerOf(error: unknown, method: string, log: Logger): StatusObject {
  if (error instanceof FederationError && error.code !== 'internal') {
    log.debug({ method, code: error.code, reason: error.message }, 'call refused')
    return toStatus(error)
  }
  log.error({ method, err: error }, 'call failed')
  return toStatus(new FederationError('internal', 'internal error: the coordinator log tells more'))
}
