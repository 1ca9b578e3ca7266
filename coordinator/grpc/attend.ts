/** The control stream of one site: its messages checked and handed on, the coordinator's queued within limits. */
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { invalid } from '@consilium/protos/fields.ts'
import type { FromSite__Output } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { ToSite as WireToSite } from '@consilium/protos/gen/consilium/v1/ToSite.ts'
import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Caller, FederationService, SiteStream, StreamListener, ToSite } from '../services.ts'
import { fromSite, toSite } from './federation-messages.ts'
import type { OpenCall } from './guard.ts'
import { goneSignal } from './handlers.ts'
import { type Rate, tokenBucket } from './token-bucket.ts'

type AttendCall = ServerDuplexStream<FromSite__Output, WireToSite>

/** What may wait for a site that reads slowly: some signed studies of a mebibyte each, or many small messages. */
const queueBytesMax = 64 * 1024 * 1024
const queueMessagesMax = 1000
/** A secure round takes six messages of a site and its progress: this lets a small model have some twenty rounds a second. */
const incoming: Rate = { burst: 500, perSecond: 200 }

/** Serves one Attend call until the site or the coordinator ends it. */
export async function attend(
  service: FederationService,
  caller: Caller,
  call: AttendCall,
  open: OpenCall<unknown>,
  clock: Clock,
): Promise<void> {
  const gone = goneSignal(call)
  const stream: SiteStream = {
    caller,
    // The site takes the headers as the sign that it is attending.
    admit: () => call.sendMetadata(new Metadata()),
    send: boundedSender(call, open),
    end: (code, reason) => open.end(new FederationError(code, reason)),
  }
  const bucket = tokenBucket(incoming, clock)
  let attendance: StreamListener | undefined
  gone.addEventListener('abort', () => attendance?.closed())
  call.on('data', (wire: FromSite__Output) => {
    try {
      if (gone.aborted) return
      if (!bucket.take())
        throw new FederationError('rate-limited', `more than ${incoming.perSecond} messages a second from this site`)
      const message = fromSite(wire)
      if ((message.type === 'hello') !== (attendance === undefined)) throw invalid('message', 'one hello, and it first')
      if (message.type === 'hello') attendance = service.attend(stream, message)
      else attendance?.receive(message)
    } catch (error) {
      open.end(error)
    }
  })
  call.on('end', () => call.end())
}

/** Writes in order; a site that leaves too much unread is cut off, and gets everything again when it is back. */
function boundedSender(call: AttendCall, open: OpenCall<unknown>): (message: ToSite) => void {
  let waitingBytes = 0
  let waitingMessages = 0
  return (message) => {
    if (call.cancelled || call.writableEnded) return
    const wire = toSite(message)
    const bytes = sizeOf(wire)
    if (waitingBytes + bytes > queueBytesMax || waitingMessages >= queueMessagesMax)
      return open.end(new FederationError('limit-exceeded', 'this site does not read what is sent to it: attend again'))
    waitingBytes += bytes
    waitingMessages += 1
    call.write(wire, () => {
      waitingBytes -= bytes
      waitingMessages -= 1
    })
  }
}

/** What a message and its parts take in memory: never less than on the wire. */
function sizeOf(value: unknown): number {
  const overhead = 16
  if (value instanceof Uint8Array) return overhead + value.length
  if (typeof value === 'string') return overhead + Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return overhead
  return Object.values(value).reduce((sum: number, part) => sum + sizeOf(part), overhead)
}
