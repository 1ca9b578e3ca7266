/** What the operator may ask of the coordinator: sites, studies, runs, objects, the log. */
import { randomBytes } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { formatJoinCode } from '@consilium/protos/join-code.ts'
import { signCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { parsePartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { leadFingerprint, parseJson } from '@consilium/protos/plan/signed-study.ts'
import { signRollback } from '@consilium/protos/rollback.ts'
import { attendanceOf } from './attending/attendance.ts'
import { openProgress } from './driving/progress.ts'
import type { RunProcess } from './driving/run-process.ts'
import { findStudy } from './federation/consent.ts'
import { invite, revoke } from './federation/enrolment.ts'
import type { Federation, StudyRecord } from './federation/federation.ts'
import { checkRotation, rotated } from './federation/key-rotation.ts'
import { checkWhole } from './federation/losses.ts'
import { changePartners } from './federation/partner-changes.ts'
import { keyView, siteView, studyView } from './federation/views.ts'
import type { Parts } from './parts.ts'
import { recoverCoordinator, showRecovery } from './restored.ts'
import { cohortApart, trainedAmong, whyNoneApart } from './round/apart.ts'
import { type Attendance, presentSites } from './round/presence.ts'
import { runStream } from './run/events.ts'
import { parametersOf } from './run/roll-back.ts'
import type { Run } from './run/state.ts'
import type { AdminService, SiteView, StudyView } from './services.ts'
import { readFrom } from './store/object-store.ts'
import { checkStudy } from './study/check-study.ts'
import { runOutlook } from './study/outlook.ts'
import type { Situation } from './study/situation.ts'
import { checkMayStart } from './study/start-refusals.ts'
import { storeFinishedModel } from './summing/finished-model.ts'
import { makeRunKey } from './summing/run-keys.ts'

export function adminService(parts: Parts): AdminService {
  return {
    ...siteCommands(parts),
    ...keyCommands(parts),
    showRecovery: () => showRecovery(parts),
    recover: (readmit) => recoverCoordinator(parts, readmit),
    ...studyCommands(parts),
    ...runCommands(parts),
    ...readings(parts),
  }
}

function siteCommands(parts: Parts) {
  const { stream, clock, attending, authority } = parts
  const view = (name: SiteName): SiteView =>
    siteView(
      stream.state.sites.get(name)!,
      attending.isAttending(name),
      attending.standsOutOf(name).map(({ study, purpose, code }) => ({
        ...{ studyHash: study, studyName: stream.state.studies.get(study)?.name ?? '' },
        ...{ purpose, code },
      })),
    )
  return {
    async addSite(name, validMinutes) {
      const secret = randomBytes(32)
      const expiresAt = new Date(clock.now().getTime() + validMinutes * 60_000)
      await stream.change((state) => {
        checkWhole(state)
        return invite(state, name, secret, expiresAt, clock.now())
      })
      parts.federationChanged()
      const joinCode = formatJoinCode({
        address: parts.siteAddress(),
        site: name,
        authority: authority.fingerprint,
        secret: secret.toString('base64'),
        expiresAt: expiresAt.toISOString(),
      })
      return { joinCode, expiresAt: expiresAt.toISOString() }
    },
    async listSites() {
      return [...stream.state.sites.keys()].sort().map(view)
    },
    async revokeSite(name, reason) {
      await stream.change((state) => revoke(state, name, reason, clock.now()))
      attending.end(name, 'certificate-revoked', `site ${name} was revoked: ${reason}`)
      parts.federationChanged()
      return view(name)
    },
  } satisfies Partial<AdminService>
}

function keyCommands(parts: Parts) {
  const { stream, clock, runs, identity } = parts
  /** Only ever within a change of the stream, so that no two rotations meet. */
  const adopt = async ({ coordinatorPublicKey }: Federation) => {
    if (await identity.adopt(Buffer.from(coordinatorPublicKey, 'base64'))) return
    throw new FederationError(
      'store-failed',
      "the coordinator's key is not the one in the log: restart the coordinator",
    )
  }
  return {
    showKey: async () => keyView(stream.state),
    async rotateKey() {
      await stream.change(async (state) => {
        checkWhole(state)
        await adopt(state)
        checkRotation(
          state,
          [...state.runs.values()].flatMap(({ run, ended }) =>
            ended || (runs.get(run)?.run.state ?? 'running') !== 'running' ? [] : [run],
          ),
        )
        return [rotated(identity, await identity.prepareNext(), clock.now())]
      })
      await stream.change(async (state) => {
        await adopt(state)
        return []
      })
      parts.federationChanged()
      return keyView(stream.state)
    },
  } satisfies Partial<AdminService>
}

function studyCommands(parts: Parts) {
  const { stream, clock, studies, changes, objects } = parts
  const view = async (record: StudyRecord): Promise<StudyView> =>
    studyView(record, await studies.load(record), parts.partnersOf(record.hash))
  const viewOf = (reference: string) => view(findStudy(stream.state, reference))
  return {
    async createStudy(signedStudy, uploaded) {
      checkWhole(stream.state)
      const { signed, graph, parameters } = await checkStudy(signedStudy, uploaded)
      const hash = signed.hash
      const lead = leadFingerprint(signed)
      const existing = stream.state.studies.get(hash)
      if (existing && existing.lead !== lead)
        throw new FederationError('already-exists', `this study is here, signed by the lead ${existing.lead}`)
      for (const bytes of [graph, parameters]) await objects.put(bytes)
      // As it was signed: a default that this version adds is not in it.
      const stored = await objects.put(canonicalJson(parseJson(signedStudy)))
      const { name } = signed.manifest.study
      const events = await stream.change((state) =>
        state.studies.has(hash)
          ? []
          : [
              {
                type: 'study-created',
                at: clock.now().toISOString(),
                study: hash,
                name,
                lead,
                signedStudy: stored.sha256,
              },
            ],
      )
      const created = await viewOf(hash)
      if (events.length > 0) parts.federationChanged()
      return created
    },
    async changePartners(signed) {
      const { study } = parsePartnerChange(signed.bytes)
      const events = await stream.change(async (state) => {
        checkWhole(state)
        const record = findStudy(state, study)
        const loaded = await studies.load(record)
        return changePartners(record, loaded.signed, signed, parts.partnersOf(study), clock.now())
      })
      if (events.length > 0) parts.federationChanged()
      return viewOf(study)
    },
    listStudies: () => Promise.all([...stream.state.studies.values()].map(view)),
    showStudy: async (reference) => viewOf(reference),
    watchStudy(reference, signal) {
      const { hash } = findStudy(stream.state, reference)
      return changes.watch(
        () => viewOf(hash),
        () => false,
        signal,
      )
    },
  } satisfies Partial<AdminService>
}

function runCommands(parts: Parts) {
  const { stream, clock, runs, vault, identity, objects } = parts
  const find = (run: RunId): RunProcess => {
    const process = runs.get(run)
    if (!process) throw new FederationError('not-found', `there is no run ${run}: see consilium run list`)
    return process
  }
  return {
    async startRun(reference, without = []) {
      let created: RunId = ''
      await stream.change(async (state) => {
        checkWhole(state)
        const study = findStudy(state, reference)
        checkMayStart(await situationOf(parts, study, without))
        created = freeRunId(state, study.name)
        const keys = await makeRunKey(vault, created)
        return [
          {
            type: 'run-created',
            at: clock.now().toISOString(),
            run: created,
            study: study.hash,
            ...keys,
            ...(without.length > 0 && { without: [...without] }),
          },
        ]
      })
      return (await parts.startRun(stream.state.runs.get(created)!)).view()
    },
    async planRun(reference, without = []) {
      return runOutlook(await situationOf(parts, findStudy(stream.state, reference), without))
    },
    async cancelRun(run, reason) {
      const process = find(run)
      await process.command({ type: 'cancel', reason })
      return process.view()
    },
    async finishRun(run, reason) {
      const process = find(run)
      const stale = (why: string) => new FederationError('stale-round', `run ${run} cannot be finished: ${why}`)
      if (process.run.state !== 'running') throw stale(`it is ${process.run.state}`)
      if (!process.run.current?.setting.isLast)
        throw stale('it has not trained all its rounds, or is about to end: consilium run cancel ends it now')
      const missing = process.view().current?.awaited?.sites ?? []
      await process.command({ type: 'skip-evaluation', reason, missing })
      if (!process.run.isEvaluationSkipped) throw stale('the sum of its last evaluation is being made')
      return process.view()
    },
    async exportModel(id) {
      const { run } = find(id)
      if (run.model) return run.model
      if (run.current?.setting.isLast) return storeFinishedModel(run, objects)
      throw new FederationError(
        'not-found',
        `run ${id} is ${run.state}: it has no model; a run has one once it has trained all its rounds`,
      )
    },
    async rollBackRun(run, round, reason) {
      checkWhole(stream.state)
      const process = find(run)
      const parameters = parametersOf(process.run, round)
      const stale = (why: string) => new FederationError('stale-round', `run ${run} cannot go back: ${why}`)
      if (process.run.state !== 'running') throw stale(`it is ${process.run.state}`)
      if (parameters === undefined)
        throw new FederationError(
          'not-found',
          `round ${round} of run ${run} made no model: see consilium run show ${run}`,
        )
      if (parameters === process.run.parameters)
        throw new FederationError('already-exists', `the model of round ${round} is the present one of run ${run}`)
      checkCanTrainAgain(parts, process.run, parameters)
      const signature = Buffer.from(signRollback(identity, run, round, parameters)).toString('base64')
      await process.command({ type: 'roll-back', round, reason, signature })
      if (process.run.parameters !== parameters) throw stale('no round is open, its model is being exported')
      return process.view()
    },
    listRuns: async () => [...runs.values()].map((process) => process.view()),
    showRun: async (run) => find(run).view(),
    watchRun(run, signal) {
      const process = find(run)
      return process.changes.watch(
        () => process.view(),
        ({ state }) => state !== 'running',
        signal,
      )
    },
  } satisfies Partial<AdminService>
}

function readings({ objects, eventLog, identity, stream: federation, runs }: Parts) {
  return {
    async signedHead(stream) {
      const kept = [...runs.values()].find(({ run }) => runStream(run.id) === stream)
      if (!kept && stream !== federationStream)
        throw new FederationError('not-found', `there is no stream ${stream} in the log: see consilium run list`)
      return signCheckpoint(identity, stream, (kept ?? federation).logHead())
    },
    fetchObject: (sha256, offset) => readFrom(objects, sha256, offset),
    async *readLog(stream) {
      for (const name of stream === undefined ? await eventLog.streams() : [stream]) yield* eventLog.read(name)
    },
  } satisfies Partial<AdminService>
}

/** `without`: left out of statistics and evaluations. */
async function situationOf(parts: Parts, study: StudyRecord, without: readonly SiteName[]): Promise<Situation> {
  const { stream, studies, attending, runs, clock } = parts
  const { hash, name, decisions } = study
  const { manifest } = (await studies.load(study)).signed
  const enrolled = [...stream.state.sites.values()].filter(({ state }) => state === 'enrolled')
  return {
    ...{ hash, name, manifest, decisions, without, partners: parts.partnersOf(hash), now: clock.now() },
    attendance: attendanceNow(parts, hash),
    enrolled: enrolled.map((site) => site.name).sort(),
    isAttending: attending.isAttending,
    runs: [...runs.values()].map(({ run }) => run),
  }
}

function attendanceNow({ stream, attending }: Parts, study: Sha256): Attendance {
  return attendanceOf(stream.state, attending, { study }, openProgress())
}

/** Before a run goes back: whether sites would train from that model once more, as far as can be known. */
function checkCanTrainAgain(parts: Parts, run: Run, parameters: Sha256): void {
  const { aggregation, cohort } = run.manifest.study
  const among = { aggregation, cohort, ...trainedAmong(run.past, parameters) }
  const here = presentSites(attendanceNow(parts, run.study))
  if (cohortApart(here, among)) return
  const { reason, wayOut } = whyNoneApart(here, among)
  throw new FederationError('cohort-differencing', `run ${run.id} cannot go back there now, ${wayOut}: ${reason}`)
}

/** After a recovery under names of their own: nobody can know all those of the runs that were lost. */
function freeRunId({ runs, lostRuns, epoch }: Federation, name: string): RunId {
  const prefix = epoch > 1 ? `${name}-r${epoch}` : name
  const earlier = [...runs.keys()].filter((run) => run.startsWith(`${prefix}-`)).length
  for (let n = earlier + 1; ; n++) {
    const run = `${prefix}-${n}`
    if (!runs.has(run) && !lostRuns.has(run)) return run
  }
}
