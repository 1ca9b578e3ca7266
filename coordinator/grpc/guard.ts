/**
 * The guard before every method: it admits a call by the verified client certificate, asks again with each message, and
 * ends streams whose certificate expires or was revoked meanwhile. A method without a guard does not exist here.
 */
import type { PeerCertificate } from 'node:tls'
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { answerOf } from './status.ts'

/** What a caller was admitted as; `check` throws as soon as that no longer holds. */
export type Admission<Who> = { readonly who: Who; readonly expiresAt?: Date; check(): void }

/** One admitted call. `end` answers it with an error at once, whatever its handler does. */
export type OpenCall<Who> = { readonly who: Who; readonly method: string; end(error: unknown): void }

export type Guard<Who> = {
  readonly interceptor: ServerInterceptor
  /** The admitted call a handler serves. */
  of(call: { readonly metadata: Metadata }): OpenCall<Who>
  /** Ends every stream with this error. */
  endStreams(error: FederationError): void
}

export type GuardOptions<Who> = {
  /** Throws a FederationError for whom the method is not. `peer` is an IP address. */
  readonly admit: (method: string, certificate: PeerCertificate | undefined, peer: string) => Admission<Who>
  readonly clock: Clock
  readonly log: Logger
}

export function guardCalls<Who>({ admit, clock, log }: GuardOptions<Who>): Guard<Who> {
  const calls = new WeakMap<Metadata, OpenCall<Who>>()
  const streams = new Set<OpenCall<Who>>()

  const interceptor: ServerInterceptor = ({ path, requestStream, responseStream }, call) => {
    let admission: Admission<Who> | undefined
    let finish = () => {}
    const end = (error: unknown) => {
      finish()
      call.sendStatus(answerOf(error, path, log))
    }
    /** True where the call still stands; ends it otherwise. */
    const stands = () => {
      try {
        admission?.check()
        return true
      } catch (error) {
        end(error)
        return false
      }
    }
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, forward) {
            try {
              admission = admit(path, call.getAuthContext().sslPeerCertificate, peerAddress(call))
              admission.check()
            } catch (error) {
              return end(error)
            }
            const open = { who: admission.who, method: path, end }
            calls.set(metadata, open)
            if (requestStream || responseStream) finish = keepStream(open, admission.expiresAt)
            forward(metadata)
          },
          onReceiveMessage(message, forward) {
            if (stands()) forward(message)
          },
          onReceiveHalfClose: (forward) => forward(),
          onCancel: () => finish(),
        }),
      sendMessage(message, forward) {
        if (stands()) forward(message)
      },
      sendStatus(status, forward) {
        finish()
        forward(status)
      },
    })
  }

  function keepStream(open: OpenCall<Who>, expiresAt: Date | undefined): () => void {
    streams.add(open)
    const cancelTimer =
      expiresAt &&
      clock.setTimer(expiresAt.getTime() - clock.now().getTime(), () =>
        open.end(new FederationError('certificate-expired', 'the client certificate has expired')),
      )
    return () => {
      streams.delete(open)
      cancelTimer?.()
    }
  }

  return {
    interceptor,
    of(call) {
      const open = calls.get(call.metadata)
      if (!open) throw new FederationError('unauthenticated', 'this call was never admitted')
      return open
    },
    endStreams(error) {
      for (const open of [...streams]) open.end(error)
    },
  }
}

function peerAddress(call: ServerInterceptingCallInterface): string {
  return call.getConnectionInfo().remoteAddress ?? 'unknown'
}
