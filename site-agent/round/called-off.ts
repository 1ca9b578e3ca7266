/** Work that was called off is no failure. */
import { errorCode } from '@consilium/protos/errors.ts'

/** Whether an error means that the work was called off, not that it failed. */
export function isCalledOff(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || errorCode(error) === 'cancelled'
}
