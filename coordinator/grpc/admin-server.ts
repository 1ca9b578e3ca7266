/**
 * The operator's port: a listener of its own on the loopback interface, open to the operator certificate alone. A site's
 * certificate is refused here, as the operator's is on the sites' port.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { bytesField, countField, hashField, listField, siteField, textField } from '@consilium/protos/fields.ts'
import type { AdminHandlers } from '@consilium/protos/gen/consilium/v1/Admin.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import {
  chunkBytesMax,
  cohortMax,
  partnerChangeBytesMax,
  reasonCharactersMax,
  rosterSitesMax,
  roundsMax,
} from '@consilium/protos/limits.ts'
import { adminTypes, packageDefinition } from '@consilium/protos/load.ts'
import type { Logger } from 'pino'
import type { CertificateAuthority } from '../certificate-authority.ts'
import type { AdminService } from '../services.ts'
import {
  briefRunView,
  keyMessage,
  recoveryMessage,
  runField,
  runMessages,
  runViews,
  siteMessage,
  studyField,
  studyView,
  validMinutes,
} from './admin-messages.ts'
import { operatorOf } from './certificates.ts'
import { createStudy } from './create-study.ts'
import { type Guard, guardCalls } from './guard.ts'
import { clientStreaming, serverStreaming, unary } from './handlers.ts'
import { type Listener, startListener } from './listener.ts'
import { outlookMessage } from './outlook-message.ts'

export type AdminServerOptions = {
  readonly service: AdminService
  readonly authority: CertificateAuthority
  /** 0 for any free port. */
  readonly port: number
  readonly clock: Clock
  readonly log: Logger
}

const loopback = '127.0.0.1'

/** Listens on 127.0.0.1 once it resolves; throws `invalid-argument` where the port is taken. */
export async function startAdminServer(options: AdminServerOptions): Promise<Listener> {
  const { service, clock, log } = options
  const guard = guardCalls<'operator'>({
    clock,
    log,
    admit(_method, certificate) {
      const { expiresAt } = operatorOf(certificate)
      const check = () => {
        if (expiresAt <= clock.now())
          throw new FederationError('certificate-expired', 'the operator certificate has expired: read the new one')
      }
      return { who: 'operator', expiresAt, check }
    },
  })
  const listener = await startListener({
    ...options,
    host: loopback,
    interceptor: guard.interceptor,
    definition: packageDefinition('admin'),
    service: 'consilium.v1.Admin',
    addTo: (server) => server.addService(adminTypes().Admin.service, handlers(service, guard)),
  })
  return {
    port: listener.port,
    stop() {
      guard.endStreams(new FederationError('link-down', 'the coordinator is stopping'))
      return listener.stop()
    },
  }
}

function handlers(service: AdminService, guard: Guard<'operator'>): AdminHandlers {
  return {
    ...siteHandlers(service, guard),
    ...keyHandlers(service, guard),
    ...studyHandlers(service, guard),
    ...runHandlers(service, guard),
  }
}

function siteHandlers(service: AdminService, guard: Guard<'operator'>) {
  return {
    AddSite: unary(guard, (request) => service.addSite(siteField(request.name), validMinutes(request.validMinutes))),
    ListSites: unary(guard, async () => ({ sites: (await service.listSites()).map(siteMessage) })),
    RevokeSite: unary(guard, async (request) =>
      siteMessage(
        await service.revokeSite(siteField(request.name), textField(request.reason, 'reason', reasonCharactersMax)),
      ),
    ),
  } satisfies Partial<AdminHandlers>
}

function keyHandlers(service: AdminService, guard: Guard<'operator'>) {
  return {
    ShowKey: unary(guard, async () => keyMessage(await service.showKey())),
    RotateKey: unary(guard, async () => keyMessage(await service.rotateKey())),
    ShowRecovery: unary(guard, async () => recoveryMessage(await service.showRecovery())),
    Recover: unary(guard, async ({ readmit }) =>
      recoveryMessage(await service.recover(listField(readmit, 'readmit', rosterSitesMax, siteField, 0))),
    ),
  } satisfies Partial<AdminHandlers>
}

function studyHandlers(service: AdminService, guard: Guard<'operator'>) {
  return {
    CreateStudy: clientStreaming(guard, async (call) =>
      studyView(await createStudy(service, call[Symbol.asyncIterator]()), false),
    ),
    ChangePartners: unary(guard, async ({ change, signature }) =>
      studyView(
        await service.changePartners({
          bytes: bytesField(change, 'change', 1, partnerChangeBytesMax),
          signature: bytesField(signature, 'signature', 64),
        }),
        true,
      ),
    ),
    ListStudies: unary(guard, async () => ({
      studies: (await service.listStudies()).map((view) => studyView(view, false)),
    })),
    ShowStudy: unary(guard, async (request) => studyView(await service.showStudy(studyField(request.study)), true)),
    WatchStudy: serverStreaming(guard, async function* (request, _open, signal) {
      for await (const view of service.watchStudy(studyField(request.study), signal)) yield studyView(view, false)
    }),
  } satisfies Partial<AdminHandlers>
}

function runHandlers(service: AdminService, guard: Guard<'operator'>) {
  return {
    StartRun: unary(guard, async (request) =>
      briefRunView(await service.startRun(studyField(request.study), withoutField(request.without))),
    ),
    PlanRun: unary(guard, async (request) =>
      outlookMessage(await service.planRun(studyField(request.study), withoutField(request.without))),
    ),
    CancelRun: unary(guard, async (request) =>
      briefRunView(
        await service.cancelRun(runField(request.run), textField(request.reason, 'reason', reasonCharactersMax)),
      ),
    ),
    FinishRun: unary(guard, async (request) =>
      briefRunView(
        await service.finishRun(runField(request.run), textField(request.reason, 'reason', reasonCharactersMax)),
      ),
    ),
    ExportModel: unary(guard, async (request) => ({
      sha256: Buffer.from(await service.exportModel(runField(request.run)), 'hex'),
    })),
    RollBackRun: unary(guard, async (request) =>
      briefRunView(
        await service.rollBackRun(
          runField(request.run),
          countField(request.round, 'round', roundsMax),
          textField(request.reason, 'reason', reasonCharactersMax),
        ),
      ),
    ),
    ListRuns: serverStreaming(guard, async function* () {
      for (const view of await service.listRuns()) yield briefRunView(view)
    }),
    ShowRun: serverStreaming(guard, async function* (request) {
      yield* runMessages(await service.showRun(runField(request.run)))
    }),
    WatchRun: serverStreaming(guard, (request, _open, signal) =>
      runViews(service.watchRun(runField(request.run), signal)),
    ),
    FetchObject: serverStreaming(guard, async function* (request) {
      const sha256 = hashField(request.sha256, 'sha256')
      for await (const chunk of await service.fetchObject(sha256, countField(request.offset, 'offset')))
        for (let at = 0; at < chunk.length; at += chunkBytesMax) yield { data: chunk.subarray(at, at + chunkBytesMax) }
    }),
    SignedHead: unary(guard, async (request) => {
      const { size, root, signature } = await service.signedHead(textField(request.stream, 'stream', 100))
      return { size, root: Buffer.from(root, 'hex'), signature: Buffer.from(signature, 'base64') }
    }),
    ReadLog: serverStreaming(guard, async function* (request) {
      const stream = textField(request.stream, 'stream', 100)
      for await (const entry of service.readLog(stream === '' ? undefined : stream))
        yield { entry: canonicalJson(entry) }
    }),
  } satisfies Partial<AdminHandlers>
}

function withoutField(sites: readonly string[]): string[] {
  return listField(sites, 'without', cohortMax, siteField, 0)
}
