/**
 * A run of secure rounds written by hand, as an honest coordinator would: four sites, one that drops out after it shared
 * its keys. A test has it told again with what it likes changed before an entry is hashed, so that the chain, the Merkle
 * roots and the coordinator's signatures are right all the same: what is found is found by what the sites signed.
 */
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import { fingerprint, generateIdentity, type Identity, sign } from '@consilium/protos/identity.ts'
import { signCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import { chain, type LogEntry, type NewEntry, noHead } from '@consilium/protos/log/entry.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { columnsOf } from '@consilium/protos/plan/columns.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose } from '@consilium/protos/plan/names.ts'
import { planHash as hashOfPlan, type RoundPlan, type Standardisation } from '@consilium/protos/plan/round-plan.ts'
import { type StudyManifest, signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { signRollback } from '@consilium/protos/rollback.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { encodeHeader, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import type { Directory, ShareKeysMessage, Shares, Survivors, Unmask } from '@consilium/protos/secagg/messages.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { messageHash, shareKeysMessage, unmaskMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { rosterHash, sessionId, sharersHash, survivorsHash } from '@consilium/protos/secagg/transcript.ts'
import { secureVectors, statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { type Made, madeHash } from '@consilium/protos/strategy/made.ts'
import { nextModel } from '@consilium/protos/strategy/next-model.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import type { BundleSource } from '../../../coordinator/audit/bundle.ts'
import type { AuditRoster } from '../../../coordinator/audit/roster.ts'
import { contentResult, trainResult } from '../../../coordinator/statistics/sum-result.ts'
import { decodeMessage, encodeMessage } from '../../../coordinator/summing/stored-messages.ts'
import { aManifest, aStudy } from '../../support/a-study.ts'
import { secureSite } from '../../support/secure-sites.ts'

export const at = '2026-11-22T10:00:00.000Z'
export const runId = 'heart-1'
export const names = ['basel', 'cleveland', 'hungary', 'zurich'] as const
const dropout = 'zurich'

/** Keys are drawn once: most of the time goes into signatures as it is. */
export const coordinator = generateIdentity()
const lead = generateIdentity()
export const sites = names.map((name) => secureSite(name))
const initialParameters = new Uint8Array(Float32Array.of(1, -1, 0.5, 0, 2, 3).buffer)
const studyOf = (aggregation: StudyInput['aggregation']) => {
  const study = studySchema.parse({ ...aStudy, rounds: 2, aggregation, evaluation: { bins: 4 } })
  const { sha256, bytes } = { sha256: sha256Hex(initialParameters), bytes: initialParameters.length }
  const manifest = aManifest({ study, initialParameters: { sha256, bytes } })
  return { manifest, signed: signStudy(manifest, lead), hash: studyHash(manifest) }
}
const studies = { secure: studyOf({ mode: 'secure', survivorsMin: 3 }), sealed: studyOf({ mode: 'sealed' }) }
/** A hash that stands for no model of the run. */
export const noModel = (round: number) => sha256Hex(Buffer.from(`model ${round}`))

export const roster: AuditRoster = {
  coordinator: fingerprint(coordinator.publicKey),
  sites: Object.fromEntries(sites.map(({ name, identity }) => [name, fingerprint(identity.publicKey)])),
}

type Body = Record<string, unknown>
/** What the test makes of an event before it is hashed: another one, several, or none. */
export type Tamper = (event: Body & { readonly type: string }, seq: number) => Body | readonly Body[] | undefined
export type Tampering = {
  readonly run?: Tamper
  readonly federation?: Tamper
  readonly message?: (message: ShareKeysMessage | Unmask) => ShareKeysMessage | Unmask
  /** Signs the checkpoints. */
  readonly signer?: Identity
}

export type WrittenRun = BundleSource & {
  readonly entries: { readonly federation: readonly LogEntry[]; readonly run: readonly LogEntry[] }
  readonly objects: ReadonlyMap<string, Uint8Array>
}

/** Statistics, training, evaluation, a training that nobody came to, a rollback, a training; the first two if it is short. */
export function writeRun(
  options: { readonly isShort?: boolean; readonly mode?: 'secure' | 'sealed' } = {},
): WrittenRun {
  const objects = new Map<string, Uint8Array>()
  const put = (bytes: Uint8Array) => {
    objects.set(sha256Hex(bytes), bytes)
    return sha256Hex(bytes)
  }
  const { manifest, signed, hash: study } = studies[options.mode ?? 'secure']
  const federation = openLog('federation')
  const run = openLog(`run/${runId}`)
  const keys = { publicKey: base64(new Uint8Array(32).fill(7)), sealedSecretKey: 'c2VhbGVk' }

  federation.add({
    type: 'federation-created',
    name: 'hearts',
    coordinatorPublicKey: base64(coordinator.publicKey),
    authority: 'ab'.repeat(32),
  })
  for (const { name, publicKeyBase64 } of sites)
    federation.add({
      type: 'site-joined',
      site: name,
      secretHash: 'cd'.repeat(32),
      identityPublicKey: publicKeyBase64,
      serial: 'a1',
      expiresAt: at,
    })
  const stored = put(canonicalJson(signed))
  federation.add({ type: 'study-created', study, name: 'heart-disease', lead: 'the lead', signedStudy: stored })
  for (const { name, identity } of sites) {
    const signature = sign(identity, 'decision', Buffer.from(study, 'hex'), Buffer.from('approve'))
    const decided = { study, site: name, decision: 'approve', reason: '', signature: base64(signature) }
    federation.add({ type: 'study-decided', ...decided })
  }
  federation.add({ type: 'run-created', run: runId, study, ...keys })

  run.add({ type: 'run-started', run: runId, study, ...keys })
  const makeRound = options.mode === 'sealed' ? sealedRound : secureRound
  const given: Given = {
    run,
    put,
    study,
    publicKey: keys.publicKey,
    manifest,
    proven: {},
    models: new Map([[0, new Float32Array(new Uint8Array(initialParameters).buffer)]]),
  }
  const modelOf = (round: number) => sha256Hex(new Uint8Array(given.models.get(round)!.buffer))
  const initial = { parameters: put(initialParameters) }
  makeRound(given, { round: 0, purpose: 'statistics', model: initial })
  const entry = makeRound(given, { round: 1, purpose: 'train', model: initial })
  const { proven } = given
  const newest = () => run.length() - 1
  if (!options.isShort) {
    run.add({ type: 'run-resumed' })
    makeRound(given, { round: 1, purpose: 'evaluate', model: { parameters: modelOf(1), entry } })
    run.add({ type: 'round-started', round: 2, purpose: 'train', expected: names })
    run.add({ type: 'round-failed', round: 2, purpose: 'train', code: 'cohort-too-small', reason: 'nobody came' })
    const signature = base64(signRollback(coordinator, runId, 1, modelOf(1)))
    run.add({ type: 'run-rolled-back', round: 1, parameters: modelOf(1), reason: 'better', signature })
    given.proven = proven
    makeRound(given, { round: 2, purpose: 'train', model: { parameters: modelOf(1), entry: newest() } })
  }
  run.add({ type: 'run-finished', model: noModel(9), parameters: modelOf(options.isShort ? 1 : 2) })
  const { size, root } = run.head()
  const ended = { run: runId, outcome: 'finished', entries: size, head: run.entries.at(-1)!.hash, root }
  federation.add({ type: 'run-ended', ...ended })

  return writtenRun({ federation: federation.entries, run: run.entries }, objects, coordinator)
}

/** The same run with lies in it; its entries are chained anew, and the coordinator signs what comes of it. */
export function retell(written: WrittenRun, { run, federation, message, signer }: Tampering): WrittenRun {
  const objects = new Map(written.objects)
  const retold = (stream: string, entries: readonly LogEntry[], tamper: Tamper | undefined) => {
    const log = openLog(stream, tamper)
    for (const { type, body } of entries) log.add({ ...body, type })
    return log.entries
  }
  const told = message ? withMessages(written.entries.run, objects, message) : written.entries.run
  const entries = {
    federation: retold('federation', written.entries.federation, federation),
    run: retold(`run/${runId}`, told, run),
  }
  return writtenRun(entries, objects, signer ?? coordinator)
}

/** Other messages of sites under the signatures they gave, and what their events would say of them. */
function withMessages(
  entries: readonly LogEntry[],
  objects: Map<string, Uint8Array>,
  tamper: NonNullable<Tampering['message']>,
): LogEntry[] {
  let [sid, u3Hash] = [new Uint8Array(), new Uint8Array()]
  return entries.map((entry) => {
    const { type, body } = entry
    if (type === 'directory-fixed') sid = Buffer.from(String(body.sid), 'hex')
    if (type === 'survivors-fixed') u3Hash = Buffer.from(String(body.u3Hash), 'hex')
    if (type !== 'keys-shared' && type !== 'shares-revealed') return entry
    const changed = tamper(decodeMessage(objects.get(String(body.message))!))
    const index = names.indexOf(body.site as (typeof names)[number]) + 1
    const signed =
      changed.type === 'unmask'
        ? unmaskMessage(sid, u3Hash, index, changed.revealed)
        : shareKeysMessage(sid, index, changed, changed.rows)
    const bytes = encodeMessage(changed)
    objects.set(sha256Hex(bytes), bytes)
    return { ...entry, body: { ...body, hash: hex(messageHash(signed)), message: sha256Hex(bytes) } }
  })
}

/** The run as its log was after so many entries, while it went on. */
export function cutAt({ entries, objects }: WrittenRun, length: number): WrittenRun {
  const federation = entries.federation.filter(({ type }) => type !== 'run-ended')
  return writtenRun({ federation, run: entries.run.slice(0, length) }, objects, coordinator)
}

function writtenRun(entries: WrittenRun['entries'], objects: WrittenRun['objects'], signer: Identity): WrittenRun {
  const streamOf = (stream: string) => (stream === 'federation' ? entries.federation : entries.run)
  return {
    objects,
    entries,
    async signedHead(stream) {
      const tree = openMerkleTree()
      for (const entry of streamOf(stream)) tree.append(entryLeaf(entry))
      return signCheckpoint(signer, stream, { size: tree.size, root: hex(tree.root()) })
    },
    async *readLog(stream) {
      for (const entry of streamOf(stream)) yield canonicalJson(entry)
    },
    async *fetchObject(sha256) {
      yield objects.get(sha256)!
    },
  }
}

type Log = {
  readonly stream: string
  readonly entries: LogEntry[]
  add(event: Body & { readonly type: string }): void
  head(): LogHead
  length(): number
}

function openLog(stream: string, tamper: Tamper = (event) => event): Log {
  const entries: LogEntry[] = []
  const tree = openMerkleTree()
  return {
    stream,
    entries,
    length: () => entries.length,
    head: () => ({ size: entries.length, root: hex(tree.root()) }),
    add(event) {
      const made = tamper(event, entries.length) ?? []
      const events = Array.isArray(made) ? made : [made]
      const fresh = events.map(({ type, ...body }) => ({ type, at, body }) as NewEntry)
      for (const entry of chain(stream, entries.length, entries.at(-1)?.hash ?? noHead, fresh)) {
        entries.push(entry)
        tree.append(entryLeaf(entry))
      }
    },
  }
}

type Given = {
  readonly run: Log
  readonly study: string
  readonly publicKey: string
  put(bytes: Uint8Array): string
  readonly manifest: StudyManifest
  /** Who verified what the next plan starts from. */
  proven: NonNullable<RoundPlan['proven']>
  standardisation?: Standardisation
  /** Parameters that each train round made. */
  readonly models: Map<number, Float32Array>
}
type Setting = {
  readonly round: number
  readonly purpose: Purpose
  readonly model: { readonly parameters: string; readonly entry?: number }
}

/** From recruit to the word of two sites on the sum; one site drops out after it shared its keys. Where it was committed. */
function secureRound(given: Given, { round, purpose, model }: Setting): number {
  const { run, put, study, proven, manifest, standardisation } = given
  const columns = purpose === 'statistics' ? columnsOf(manifest.study.features) : undefined
  const vectors = columns ? statisticsVectors(columns) : secureVectors(purpose, vectorSizes(manifest))
  run.add({ type: 'round-started', round, purpose, expected: names })
  const plan: RoundPlan = {
    format: 2,
    run: runId,
    study,
    round,
    purpose,
    cohort: [...names],
    model: model.parameters,
    ...(purpose !== 'statistics' && standardisation && { standardisation }),
    logHead: run.head(),
    ...(model.entry === undefined ? {} : { modelEntry: model.entry }),
    ...(proven.model || proven.columns ? { proven } : {}),
    ...(columns && { columns }),
    secure: { roster: sites.map((site) => site.publicKeyBase64), colluders: 1, survivorsMin: 3, vectors },
  }
  const planHash = hashOfPlan(plan)
  run.add({ type: 'cohort-selected', round, purpose, plan, planHash })
  for (const site of names) run.add({ type: 'work-done', planHash, site })

  const directory: Directory = {
    type: 'directory',
    planHash,
    sites: sites.map((site, i) => {
      const { body, signature } = site.advertise(plan)
      run.add({
        type: 'keys-advertised',
        planHash,
        site: site.name,
        body: base64(body),
        signature: base64(signature),
      })
      return { index: i + 1, body, signature }
    }),
  }
  const entries = sites.map(({ name, identity }, i) => ({ index: i + 1, name, publicKey: identity.publicKey }))
  const sid = sessionId(Buffer.from(planHash, 'hex'), rosterHash(entries), directory.sites)
  run.add({ type: 'directory-fixed', planHash, sid: hex(sid), sites: names })

  const shared = sites.map((site, i) => {
    const message = site.shareKeys(directory)
    const hash = messageHash(shareKeysMessage(sid, i + 1, message, message.rows))
    const signature = base64(message.signature)
    run.add({
      type: 'keys-shared',
      planHash,
      site: site.name,
      hash: hex(hash),
      signature,
      message: put(encodeMessage(message)),
    })
    return { index: i + 1, hash, message }
  })
  const sharers = shared.map(({ index, hash, message }) => {
    return { index, shareKeysHash: hash, signature: message.signature }
  })
  const u2Hash = sharersHash(sid, sharers)
  run.add({ type: 'sharers-fixed', planHash, u2Hash: hex(u2Hash), sites: names })

  const alive = sites.filter(({ name }) => name !== dropout)
  const roots = alive.map((site) => {
    const index = names.indexOf(site.name as (typeof names)[number]) + 1
    const shares: Shares = {
      type: 'shares',
      planHash,
      sharers,
      received: shared.flatMap(({ index: from, message }) => {
        const row = message.rows.find((one) => one.index === index)!
        return from === index ? [] : [{ ...row, index: from, groupCommitment: message.groupCommitment }]
      }),
    }
    const words = wordsOfSite(purpose, given)
    const { bytes, sha256, masked } = site.mask(shares, words)
    run.add({
      type: 'update-announced',
      planHash,
      site: site.name,
      sha256,
      bytes: bytes.length,
      masked: {
        root: hex(masked.root),
        vectorHashes: masked.vectorHashes.map(hex),
        signature: base64(masked.signature),
      },
    })
    run.add({ type: 'update-received', planHash, site: site.name, sha256, bytes: bytes.length })
    return { index, root: masked.root, signature: masked.signature }
  })
  run.add({ type: 'site-dropped', planHash, site: dropout, cause: 'absent', reason: 'it went away' })

  const u3Hash = survivorsHash(sid, u2Hash, roots)
  const survivors: Survivors = { type: 'survivors', planHash, survivors: roots, logHead: run.head() }
  const { logHead } = survivors
  run.add({ type: 'survivors-fixed', planHash, u3Hash: hex(u3Hash), sites: alive.map(({ name }) => name), logHead })
  for (const site of alive) {
    const signature = base64(site.confirm(survivors).signature)
    run.add({ type: 'survivors-confirmed', planHash, site: site.name, signature })
  }
  for (const [i, site] of alive.entries()) {
    const message = site.unmask(planHash)
    const hash = hex(messageHash(unmaskMessage(sid, u3Hash, i + 1, message.revealed)))
    const signature = base64(message.signature)
    run.add({
      type: 'shares-revealed',
      planHash,
      site: site.name,
      hash,
      signature,
      message: put(encodeMessage(message)),
    })
  }
  const [header, content] = wordsOfSite(purpose, given).map((words) => words.map((word) => alive.length * word))
  const sums = put(Buffer.concat([header!, content!].map(({ buffer }) => new Uint8Array(buffer))))
  const committed = run.length()
  const result = resultOf(plan, header!, content!, given)
  run.add({ type: 'round-committed', planHash, result, sums })
  if (purpose === 'evaluate') return committed
  const made = result as Made
  const verified = alive.slice(0, purpose === 'statistics' ? alive.length : 2).map((site) => {
    const signature = base64(site.verify({ type: 'verify-sum', planHash, sums, made: madeHash(made) }).signature)
    run.add({ type: 'sum-verified', planHash, site: site.name, signature })
    return { site: site.name, signature }
  })
  const by = { planHash, sums, verified }
  const more =
    made.purpose === 'train' ? { model: by } : { columns: [{ run: runId, ...by, columns: [...made.columns] }] }
  given.proven = { ...proven, ...more }
  return committed
}

function sealedRound(given: Given, { round, purpose, model }: Setting): number {
  const { run, study, publicKey, standardisation } = given
  run.add({ type: 'round-started', round, purpose, expected: names })
  const plan: RoundPlan = {
    format: 2,
    run: runId,
    study,
    round,
    purpose,
    cohort: [...names],
    model: model.parameters,
    ...(purpose !== 'statistics' && standardisation && { standardisation }),
    logHead: run.head(),
    ...(model.entry === undefined ? {} : { modelEntry: model.entry }),
    runPublicKey: publicKey,
  }
  const planHash = hashOfPlan(plan)
  run.add({ type: 'cohort-selected', round, purpose, plan, planHash })
  for (const site of names) {
    const update = { planHash, site, sha256: noModel(99), bytes: 100 }
    run.add({ type: 'work-done', planHash, site })
    run.add({ type: 'update-announced', ...update })
    run.add({ type: 'update-received', ...update })
  }
  const [header, content] = wordsOfSite(purpose, given).map((words) => words.map((word) => names.length * word))
  run.add({ type: 'round-committed', planHash, result: resultOf(plan, header!, content!, given) })
  return run.length() - 1
}

/** What every site gives: header and content. */
function wordsOfSite(purpose: Purpose, { manifest }: Given): Int32Array[] {
  const numbers = { cohort: names.length, weightMax: 65_536 }
  const header = { weight: 8, clipped: false, clampedCoordinates: 0, lossSum: 5, contributes: true }
  const [, content] = secureVectors(purpose, vectorSizes(manifest))
  const values = content!.words / 4
  const statistics = () => Float64Array.from({ length: values }, (_, i) => (3 * i < values ? 10 : 5 + i))
  const evaluation = { examples: 4, correct: 3, histogram: Float64Array.of(1, 1, 0, 0, 0, 0, 1, 1) }
  const words = {
    statistics: () => encodeStatistics(statistics()),
    train: () => Int32Array.from({ length: content!.words }, (_, i) => 1000 * (i + 1)),
    evaluate: () => encodeCounts(evaluationCounts(evaluation), names.length),
  }
  return [encodeHeader(header, numbers), words[purpose]()]
}

/** What the sum comes to; the next round goes on from it. */
function resultOf(plan: RoundPlan, header: Int32Array, content: Int32Array, given: Given): Body {
  const { purpose, round } = plan
  const survivors = header[0]!
  const quantised = roundQuantisation(plan, studies.secure.manifest.study)
  const read = readHeaderSum(header, survivors, quantised)
  if (purpose !== 'train') {
    const { features } = given.manifest.study
    const result = contentResult(purpose, read, content, given.manifest.study, columnsOf(features))!
    if (result.purpose === 'statistics')
      given.standardisation = standardisationFrom(features, new Map(result.columns.map((one) => [one.name, one])))!
    return result
  }
  const before = [...given.models].find(([, made]) => sha256Hex(new Uint8Array(made.buffer)) === plan.model)![1]
  const next = nextModel({ survivors, weight: read.weight, quantised }).next(before, content)
  given.models.set(round, next)
  return trainResult(read, sha256Hex(new Uint8Array(next.buffer)))
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
