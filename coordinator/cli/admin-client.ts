/**
 * The coordinator's admin service as the command line and `simulate` call it: mutual TLS with the operator's certificate
 * of the home folder, the domain's own types, refusals as the FederationError that the coordinator threw.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { AddSiteReply__Output } from '@consilium/protos/gen/consilium/v1/AddSiteReply.ts'
import type { AdminClient as GrpcClient } from '@consilium/protos/gen/consilium/v1/Admin.ts'
import type { Checkpoint__Output } from '@consilium/protos/gen/consilium/v1/Checkpoint.ts'
import type { ExportedModel__Output } from '@consilium/protos/gen/consilium/v1/ExportedModel.ts'
import type { KeyView__Output } from '@consilium/protos/gen/consilium/v1/KeyView.ts'
import type { RecoveryView__Output } from '@consilium/protos/gen/consilium/v1/RecoveryView.ts'
import type { RunOutlook__Output } from '@consilium/protos/gen/consilium/v1/RunOutlook.ts'
import type { RunView__Output } from '@consilium/protos/gen/consilium/v1/RunView.ts'
import type { SiteList__Output } from '@consilium/protos/gen/consilium/v1/SiteList.ts'
import type { SiteView__Output } from '@consilium/protos/gen/consilium/v1/SiteView.ts'
import type { StudyList__Output } from '@consilium/protos/gen/consilium/v1/StudyList.ts'
import type { StudyView__Output } from '@consilium/protos/gen/consilium/v1/StudyView.ts'
import { chunkBytesMax, messageBytesMax } from '@consilium/protos/limits.ts'
import { adminTypes } from '@consilium/protos/load.ts'
import type { Checkpoint } from '@consilium/protos/log/checkpoint.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { SignedPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { fromServiceError } from '@consilium/protos/status.ts'
import { type ClientReadableStream, credentials, type requestCallback, type ServiceError } from '@grpc/grpc-js'
import type { KeyView, RecoveryView, RunOutlook, RunView, SiteView } from '../services.ts'
import { readAdminAddress, readOperatorFiles } from './admin-home.ts'
import { outlookView } from './outlook-view.ts'
import {
  keyView,
  recoveryView,
  runView,
  runViews,
  type ShownStudy,
  type StudySummary,
  siteView,
  studySummary,
  studyView,
} from './views.ts'

export type AdminClient = {
  readonly address: string
  addSite(name: SiteName, validMinutes: number): Promise<{ readonly joinCode: string; readonly expiresAt: string }>
  listSites(): Promise<readonly SiteView[]>
  revokeSite(name: SiteName, reason: string): Promise<SiteView>
  showKey(): Promise<KeyView>
  rotateKey(): Promise<KeyView>
  showRecovery(): Promise<RecoveryView>
  recover(readmit: readonly SiteName[]): Promise<RecoveryView>
  /** Sends the signed study (JSON) and its objects; `onSent` is told the bytes sent so far, of all of them. */
  createStudy(
    signedStudy: Uint8Array,
    objects: readonly StudyObject[],
    onSent?: (bytes: number) => void,
  ): Promise<StudySummary>
  changePartners(signed: SignedPartnerChange): Promise<ShownStudy>
  listStudies(): Promise<readonly StudySummary[]>
  showStudy(reference: string): Promise<ShownStudy>
  /** The study now, then after every decision of a site. */
  watchStudy(reference: string, signal?: AbortSignal): AsyncIterable<StudySummary>
  startRun(studyReference: string, without?: readonly string[]): Promise<RunView>
  /** What would become of such a run; nothing starts. */
  planRun(studyReference: string, without?: readonly string[]): Promise<RunOutlook>
  /** The run with its newest rounds only, as in the list of runs. */
  cancelRun(run: RunId, reason: string): Promise<RunView>
  finishRun(run: RunId, reason: string): Promise<RunView>
  /** The hash of the model of a run that has trained all its rounds. */
  exportModel(run: RunId): Promise<Sha256>
  rollBackRun(run: RunId, round: number, reason: string): Promise<RunView>
  listRuns(): Promise<readonly RunView[]>
  showRun(run: RunId): Promise<RunView>
  /** The run now, then after every change, until it has ended. */
  watchRun(run: RunId, signal?: AbortSignal): AsyncIterable<RunView>
  fetchObject(sha256: Sha256, offset: number): AsyncIterable<Uint8Array>
  /** Canonical JSON of each entry, in the log's order; all streams where none is named. */
  readLog(stream?: string): AsyncIterable<Uint8Array>
  /** The head of a stream as it stands, signed by the coordinator. */
  signedHead(stream: string): Promise<Checkpoint>
  close(): void
}

export type StudyObject = { readonly sha256: Sha256; readonly bytes: Uint8Array }

/** Reads the address and the operator's certificate from `home`; throws `link-down` where no coordinator runs there. */
export async function connectAdmin(home: string): Promise<AdminClient> {
  const address = await readAdminAddress(home)
  const { authority, key, certificate } = await readOperatorFiles(home)
  const { Admin } = adminTypes()
  const grpc = new Admin(address, credentials.createSsl(authority, key, certificate), {
    'grpc.max_receive_message_length': messageBytesMax,
    // The coordinator's certificate names localhost; an IP address must not be asked for by name (RFC 6066, section 3).
    'grpc.ssl_target_name_override': 'localhost',
    // The admin listener is on this machine: a proxy of the environment has no part in it.
    'grpc.enable_http_proxy': 0,
  })
  return adminClient(grpc, address, (error) => explain(error, address, home))
}

function adminClient(grpc: GrpcClient, address: string, explained: (error: unknown) => FederationError): AdminClient {
  const ask = <Reply>(call: (done: requestCallback<Reply>) => unknown): Promise<Reply> =>
    new Promise((resolve, reject) => {
      call((error, reply) => (error || reply === undefined ? reject(explained(error)) : resolve(reply)))
    })
  const follow = <Message, Item>(
    open: () => ClientReadableStream<Message>,
    convert: (message: Message) => Item,
    signal?: AbortSignal,
  ) => messages(open, convert, explained, signal)
  const run = (call: (done: requestCallback<RunView__Output>) => unknown) => ask(call).then(runView)

  return {
    address,
    addSite: async (name, validMinutes) => {
      const reply = await ask<AddSiteReply__Output>((done) => grpc.addSite({ name, validMinutes }, done))
      return { joinCode: reply.joinCode, expiresAt: reply.expiresAt }
    },
    listSites: async () => (await ask<SiteList__Output>((done) => grpc.listSites({}, done))).sites.map(siteView),
    revokeSite: async (name, reason) =>
      siteView(await ask<SiteView__Output>((done) => grpc.revokeSite({ name, reason }, done))),
    showKey: async () => keyView(await ask<KeyView__Output>((done) => grpc.showKey({}, done))),
    rotateKey: async () => keyView(await ask<KeyView__Output>((done) => grpc.rotateKey({}, done))),
    showRecovery: async () => recoveryView(await ask<RecoveryView__Output>((done) => grpc.showRecovery({}, done))),
    recover: async (readmit) =>
      recoveryView(await ask<RecoveryView__Output>((done) => grpc.recover({ readmit: [...readmit] }, done))),
    createStudy: (signedStudy, objects, onSent) => createStudy(grpc, signedStudy, objects, explained, onSent),
    changePartners: async ({ bytes, signature }) =>
      studyView(await ask<StudyView__Output>((done) => grpc.changePartners({ change: bytes, signature }, done))),
    listStudies: async () =>
      (await ask<StudyList__Output>((done) => grpc.listStudies({}, done))).studies.map(studySummary),
    showStudy: async (study) => studyView(await ask<StudyView__Output>((done) => grpc.showStudy({ study }, done))),
    watchStudy: (study, signal) => follow(() => grpc.watchStudy({ study }), studySummary, signal),
    startRun: (study, without = []) => run((done) => grpc.startRun({ study, without: [...without] }, done)),
    planRun: async (study, without = []) =>
      outlookView(await ask<RunOutlook__Output>((done) => grpc.planRun({ study, without: [...without] }, done))),
    cancelRun: (id, reason) => run((done) => grpc.cancelRun({ run: id, reason }, done)),
    finishRun: (id, reason) => run((done) => grpc.finishRun({ run: id, reason }, done)),
    exportModel: async (id) =>
      (await ask<ExportedModel__Output>((done) => grpc.exportModel({ run: id }, done))).sha256.toString('hex'),
    rollBackRun: (id, round, reason) => run((done) => grpc.rollBackRun({ run: id, round, reason }, done)),
    async listRuns() {
      const runs: RunView[] = []
      for await (const view of follow(() => grpc.listRuns({}), runView)) runs.push(view)
      return runs
    },
    async showRun(id) {
      for await (const view of runViews(follow(() => grpc.showRun({ run: id }), asItIs))) return view
      throw new FederationError('link-down', 'the coordinator broke off in the middle of a run: ask again')
    },
    watchRun: (id, signal) => runViews(follow(() => grpc.watchRun({ run: id }), asItIs, signal)),
    fetchObject: (sha256, offset) =>
      follow(
        () => grpc.fetchObject({ sha256: Buffer.from(sha256, 'hex'), offset }),
        ({ data }) => data,
      ),
    readLog: (stream = '') =>
      follow(
        () => grpc.readLog({ stream }),
        ({ entry }) => entry,
      ),
    signedHead: async (stream) =>
      checkpoint(stream, await ask<Checkpoint__Output>((done) => grpc.signedHead({ stream }, done))),
    close: () => grpc.close(),
  }
}

function checkpoint(stream: string, { size, root, signature }: Checkpoint__Output): Checkpoint {
  return { stream, size, root: root.toString('hex'), signature: signature.toString('base64') }
}

function asItIs<Message>(message: Message): Message {
  return message
}

async function* messages<Message, Item>(
  open: () => ClientReadableStream<Message>,
  convert: (message: Message) => Item,
  explained: (error: unknown) => FederationError,
  signal?: AbortSignal,
): AsyncGenerator<Item> {
  if (signal?.aborted) return
  const stream = open()
  const cancel = () => stream.cancel()
  // A call that was cancelled fails after nobody reads it any more.
  stream.on('error', () => {})
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    for await (const message of stream) yield convert(message as Message)
  } catch (error) {
    if (!signal?.aborted) throw explained(error)
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
  }
}

async function createStudy(
  grpc: GrpcClient,
  signedStudy: Uint8Array,
  objects: readonly StudyObject[],
  explained: (error: unknown) => FederationError,
  onSent?: (bytes: number) => void,
): Promise<StudySummary> {
  const { promise, resolve, reject } = Promise.withResolvers<StudyView__Output>()
  const call = grpc.createStudy((error, reply) => (error || !reply ? reject(explained(error)) : resolve(reply)))
  const refused = promise.then(
    () => {},
    () => {},
  )
  /** Waits until the call takes more, or has been answered already (a refusal comes before the last chunk). */
  const write = async (part: Parameters<typeof call.write>[0]): Promise<void> => {
    if (!call.write(part)) await Promise.race([new Promise<void>((drained) => call.once('drain', drained)), refused])
  }
  let sent = 0
  await write({ signedStudy })
  for (const { sha256, bytes } of objects) {
    await write({ object: { sha256: Buffer.from(sha256, 'hex'), size: bytes.length } })
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      const chunk = bytes.subarray(at, at + chunkBytesMax)
      await write({ chunk })
      sent += chunk.length
      onSent?.(sent)
    }
  }
  call.end()
  return studySummary(await promise)
}

/** The refusal of the coordinator as it threw it; where it did not answer, what to do about that. */
function explain(error: unknown, address: string, home: string): FederationError {
  if (error instanceof FederationError) return error
  const failure = fromServiceError(error as ServiceError, address)
  if (failure.code !== 'link-down') return failure
  return new FederationError(
    'link-down',
    `the coordinator of ${home} does not answer (${failure.message}): start it with consilium serve --home ${home}`,
    { cause: error },
  )
}
