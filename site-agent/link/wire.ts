/**
 * The one way out: calls of federation.proto whose every message is serialised here, entered in the egress ledger, and
 * only then handed to gRPC as the very bytes that were entered.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { chunkBytesMax, messageBytesMax } from '@consilium/protos/limits.ts'
import { fromServiceError } from '@consilium/protos/status.ts'
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Egress } from './egress.ts'
import type { HttpProxy } from './proxy.ts'
import { linkCredentials, type TlsIdentity } from './tls.ts'

type Method<Request, Reply> = Pick<
  MethodDefinition<Request, object, object, Reply>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>

/** What a message is, for the ledger; `study` is a hash or empty. */
export type Label = { readonly kind: string; readonly study: string }

export type Sender<Request> = { send(request: Request, label: Label): void; end(): void; cancel(): void }

export type Receiver<Reply> = {
  /** The other end took the call. */
  readonly onUp?: () => void
  readonly onReply: (reply: Reply) => void
}

export type Wire = {
  /** Counts the identities used so far: a call refused under an older one may be made again. */
  readonly generation: () => number
  unary<Request, Reply>(method: Method<Request, Reply>, request: Request, label: Label): Promise<Reply>
  /** Resolves when the other end has ended the call well. What the receiver throws ends the call and rejects. */
  serverStream<Request, Reply>(
    method: Method<Request, Reply>,
    request: Request,
    label: Label,
    receiver: Receiver<Reply>,
    signal: AbortSignal,
  ): Promise<void>
  duplex<Request, Reply>(
    method: Method<Request, Reply>,
    receiver: Receiver<Reply>,
    signal: AbortSignal,
  ): { readonly sender: Sender<Request>; readonly done: Promise<void> }
  /** Calls from now on use another identity, on a connection of their own. */
  change(identity: TlsIdentity): void
  close(): Promise<void>
}

export type WireOptions = {
  readonly address: string
  readonly proxy: HttpProxy | undefined
  readonly identity: TlsIdentity
  readonly egress: Egress
  readonly clock: Clock
}

const unaryDeadlineMs = 60_000
const closeGraceMs = 2000
/** What a download may have on its way, so that with the message being read a cut costs less than one chunk. */
const receiveWindowBytes = (chunkBytesMax / 4) * 3

export function openWire({ address, proxy, identity: first, egress, clock }: WireOptions): Wire {
  let identity = first
  let generation = 0
  let client: Client | undefined

  function current(): Client {
    client ??= new Client(proxy?.address ?? address, linkCredentials({ address, proxy, egress, clock }, identity), {
      ...channelOptions,
      'grpc.default_authority': address,
    })
    return client
  }
  /**
   * After a failure the next call takes a fresh connection: this one would redial at gRPC's pace, or may be dead without
   * knowing it. Other calls on it go on.
   */
  function failed(used: Client, error: ServiceError): FederationError {
    egress.settle()
    const failure = fromServiceError(error, address)
    if (failure.code === 'link-down' && used === client) drop()
    return failure
  }
  function drop(): void {
    client?.close()
    client = undefined
  }
  function enter<Request>(serialize: (request: Request) => Buffer, request: Request, { kind, study }: Label): Buffer {
    const bytes = serialize(request)
    if (bytes.length > messageBytesMax)
      throw new FederationError('limit-exceeded', `a ${kind} message has at most ${messageBytesMax} bytes`)
    egress.enter(kind, study, bytes)
    return bytes
  }
  return {
    generation: () => generation,
    unary(method, request, label) {
      const used = current()
      // gRPC measures deadlines by the machine's clock.
      const options: CallOptions = { deadline: Date.now() + unaryDeadlineMs }
      const bytes = enter(method.requestSerialize, request, label)
      return new Promise((resolve, reject) => {
        used.makeUnaryRequest(
          method.path,
          asIs,
          method.responseDeserialize,
          bytes,
          new Metadata(),
          options,
          (e, reply) => {
            if (e) return reject(failed(used, e))
            egress.settle()
            resolve(reply!)
          },
        )
      })
    },
    serverStream(method, request, label, receiver, signal) {
      const used = current()
      const bytes = enter(method.requestSerialize, request, label)
      const call = used.makeServerStreamRequest(method.path, asIs, method.responseDeserialize, bytes)
      return follow(call, receiver, signal, (error) => failed(used, error), egress)
    },
    duplex(method, receiver, signal) {
      const used = current()
      const call: ClientDuplexStream<Buffer, Parameters<typeof receiver.onReply>[0]> = used.makeBidiStreamRequest(
        method.path,
        asIs,
        method.responseDeserialize,
      )
      return {
        sender: {
          send: (request, label) => call.write(enter(method.requestSerialize, request, label)),
          end: () => call.end(),
          cancel: () => call.cancel(),
        },
        done: follow(call, receiver, signal, (error) => failed(used, error), egress),
      }
    },
    change(next) {
      identity = next
      generation += 1
      drop()
    },
    async close() {
      drop()
      await egress.allClosed(closeGraceMs)
    },
  }
}

const channelOptions = {
  'grpc.max_receive_message_length': messageBytesMax,
  'grpc.max_send_message_length': messageBytesMax,
  // A dead connection is noticed within 25 s. A ping waits behind what was sent before it: up to a chunk, on a slow line.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 15_000,
  'grpc-node.flow_control_window': receiveWindowBytes,
  // A retry inside gRPC would send bytes again that the ledger has entered once.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}

/** Reads a call to its end. */
function follow<Reply>(
  call: ClientReadableStream<Reply>,
  receiver: Receiver<Reply>,
  signal: AbortSignal,
  failure: (error: ServiceError) => FederationError,
  egress: Egress,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => call.cancel()
    let thrown: unknown
    let refused: FederationError | undefined
    const finish = () => {
      signal.removeEventListener('abort', cancel)
      if (thrown === undefined && refused === undefined) resolve()
      else reject(thrown ?? refused)
    }
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    const hand = (deliver: () => void) => {
      if (thrown !== undefined || signal.aborted) return
      try {
        deliver()
      } catch (error) {
        thrown = error
        cancel()
      }
    }
    call.on('metadata', () => hand(() => receiver.onUp?.()))
    call.on('data', (reply: Reply) =>
      hand(() => {
        egress.settle()
        receiver.onReply(reply)
      }),
    )
    call.on('error', (error) => {
      refused = failure(error as ServiceError)
    })
    // A good end counts only after the last reply; a bad one at once.
    call.on('end', () => process.nextTick(finish))
    call.on('status', ({ code }) => {
      if (code !== status.OK) finish()
    })
  })
}
