/** host:port as a join code carries it: a name, an IPv4 address, or an IPv6 address in brackets. */
import { FederationError } from '@consilium/protos/errors.ts'

/** `host` in lower case, without brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? []
  const host = (bracketed ?? plain)?.toLowerCase()
  if (host === undefined || port === undefined || Number(port) > 65_535)
    throw new FederationError('invalid-argument', `${address} is no address: expected host:port`)
  return { host, port: Number(port) }
}
