/** What every handler shares: the admitted caller, errors answered in one place, writing no faster than the peer reads. */
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerWritableStream,
} from '@grpc/grpc-js'
import type { Guard, OpenCall } from './guard.ts'

/** One request, one reply. */
export function unary<Who, Request, Reply>(
  guard: Guard<Who>,
  handle: (request: Request, open: OpenCall<Who>) => Promise<Reply>,
): handleUnaryCall<Request, Reply> {
  return async (call, callback) => {
    const open = guard.of(call)
    try {
      callback(null, await handle(call.request, open))
    } catch (error) {
      open.end(error)
    }
  }
}

/** One request, many replies: `handle` yields them; it is left as soon as the caller is gone, and `signal` aborts. */
export function serverStreaming<Who, Request, Reply>(
  guard: Guard<Who>,
  handle: (request: Request, open: OpenCall<Who>, signal: AbortSignal) => AsyncIterable<Reply>,
): handleServerStreamingCall<Request, Reply> {
  return async (call) => {
    const open = guard.of(call)
    const signal = goneSignal(call)
    try {
      let written: Promise<void> = Promise.resolve()
      for await (const reply of handle(call.request, open, signal)) {
        await written
        if (signal.aborted) return
        written = write(call, reply, signal)
      }
      await written
      call.end()
    } catch (error) {
      if (!signal.aborted) open.end(error)
    }
  }
}

/** Many requests, one reply. */
export function clientStreaming<Who, Request, Reply>(
  guard: Guard<Who>,
  handle: (call: ServerReadableStream<Request, Reply>) => Promise<Reply>,
): handleClientStreamingCall<Request, Reply> {
  return async (call, callback) => {
    const open = guard.of(call)
    try {
      callback(null, await handle(call))
    } catch (error) {
      open.end(error)
    }
  }
}

/** Many requests, many replies: the handler reads `call` itself and ends it; what it throws is the answer. */
export function duplex<Who, Call extends ServerDuplexStream<unknown, unknown>>(
  guard: Guard<Who>,
  handle: (call: Call, open: OpenCall<Who>) => Promise<void>,
): (call: Call) => void {
  return async (call) => {
    const open = guard.of(call)
    try {
      await handle(call, open)
    } catch (error) {
      open.end(error)
    }
  }
}

/** Aborts once the caller is gone or its call was ended. */
export function goneSignal(call: {
  readonly metadata: Metadata
  once(event: 'cancelled' | 'close', listener: () => void): unknown
}): AbortSignal {
  const gone = new AbortController()
  call.once('cancelled', () => gone.abort())
  call.once('close', () => gone.abort())
  return gone.signal
}

/** Resolves once the message has left, or the caller has. */
function write<Reply>(call: ServerWritableStream<unknown, Reply>, reply: Reply, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
    call.write(reply, done)
  })
}
