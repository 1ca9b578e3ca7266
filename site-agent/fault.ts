/**
 * What an error means to the people of this site: its cause by code, system call and path, and what to do about it. It goes
 * to the log, `status` and the terminal here; of what leaves, see protos/refusal-codes.ts.
 */
import { FederationError } from '@consilium/protos/errors.ts'

/** An error as one of ours. What is neither ours nor the system's may hold anything: only its name and place are told. */
export function faultOf(error: unknown): FederationError {
  if (error instanceof FederationError) return error
  if (!(error instanceof Error)) return unexpected(typeof error)
  const { code, syscall, path, errcode, errstr } = error as SystemError
  if (syscall !== undefined && code !== undefined)
    return fault(`${code} in ${syscall}${path === undefined ? '' : ` of ${path}`}: ${adviceOn(code)}`, error)
  if (errcode !== undefined)
    return fault(`the database of this site: ${errstr}: ${adviceOn(sqliteCodes[errcode & 0xff] ?? '')}`, error)
  return unexpected(`${error.name}${placeOf(error)}`, error)
}

/** As Node and its SQLite tell it. */
type SystemError = {
  readonly code?: string
  readonly syscall?: string
  readonly path?: string
  /** SQLite's extended result code. */
  readonly errcode?: number
  readonly errstr?: string
}

const sqliteCodes: Readonly<Record<number, string>> = {
  8: 'EROFS',
  10: 'EIO',
  13: 'ENOSPC',
  14: 'EACCES',
  23: 'EACCES',
}

function adviceOn(code: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'make room on that disk; this site tries again with the next round'
    case 'EACCES':
    case 'EPERM':
      return "let the agent's account read and write it (owner and mode); nothing in it is damaged"
    case 'EROFS':
      return 'mount it writable; this site tries again with the next round'
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return 'put back what belongs there, from the backup of the state folder or of the data'
    case 'EMFILE':
    case 'ENFILE':
      return 'let this machine open more files (ulimit -n)'
    case 'EIO':
      return "the disk fails: see the system's log"
    default:
      return "see the system's log"
  }
}

function fault(message: string, cause: Error): FederationError {
  return new FederationError('store-failed', message, { cause })
}

function unexpected(what: string, cause?: Error): FederationError {
  const message = `an unexpected ${what}: please report it; this site tries again with the next round`
  return new FederationError('internal', message, { cause })
}

/** File and line of ours where it happened: no text of the error is in it. */
function placeOf({ stack }: Error): string {
  const frame = /\(?(?:file:\/\/)?[^()\s]*?\/((?:site-agent|protos|models)\/[\w/.-]+:\d+)/.exec(
    stack?.split('\n').find((line) => /^\s+at .*\/(site-agent|protos|models)\//.test(line)) ?? '',
  )
  return frame ? ` at ${frame[1]}` : ''
}
