/** One site with a scripted coordinator and trainer around the real store, consent, phases and agent. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { columnsOf, type SummedColumn } from '@consilium/protos/plan/columns.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose } from '@consilium/protos/plan/names.ts'
import {
  type Proven,
  planHash,
  type RoundPlan,
  type SecureRound,
  type SignedRoundPlan,
  type Standardisation,
  signRoundPlan,
} from '@consilium/protos/plan/round-plan.ts'
import {
  parameterCount,
  type SignedStudy,
  type StudyManifest,
  signStudy,
  studyHash,
} from '@consilium/protos/plan/signed-study.ts'
import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { generateRunKeyPair } from '@consilium/protos/sealing/sealed-update.ts'
import { openMaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { signMessage, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { defaultColluders, defaultSurvivorsMin } from '@consilium/protos/secagg/thresholds.ts'
import { secureVectors, statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { columnsHash } from '@consilium/protos/strategy/made.ts'
import { Agent } from '../../site-agent/agent.ts'
import { openConsent } from '../../site-agent/consent.ts'
import { openPinnedCoordinator } from '../../site-agent/coordinator-key.ts'
import { checkRows } from '../../site-agent/judge.ts'
import { defaultPolicy, type Policy, rules } from '../../site-agent/policy.ts'
import { openRosterKeeper } from '../../site-agent/roster.ts'
import type { AgentEvent } from '../../site-agent/round/events.ts'
import { objectFetcher } from '../../site-agent/round/fetch-object.ts'
import type { Site } from '../../site-agent/round/site.ts'
import { openSiteTrainers } from '../../site-agent/round/trainers.ts'
import { openSiteStore, type SiteStore } from '../../site-agent/store/site-store.ts'
import { anyStudy } from './any-study.ts'
import { type ScriptedLink, scriptedLink } from './scripted-link.ts'
import { type ScriptedTrainer, scriptedTrainer } from './scripted-trainer.ts'
import { type SecureSite, secureSite } from './secure-sites.ts'

/** 32 bytes. */
export const siteSecret = new Uint8Array(32).fill(5)
export const siteName = 'mercy'
export const cohort = ['hope', siteName, 'saint-anne']
export const coordinator = generateIdentity()
export const lead = generateIdentity()
export const runKey = generateRunKeyPair()
/** Every other site there is, by name; a fixture has pinned their identities. */
export const peers: ReadonlyMap<string, SecureSite> = new Map(
  ['basel', 'hope', 'saint-anne', 'zurich'].map((name) => [name, secureSite(name)]),
)
/** The study's updates are sealed to the run's key, as they were before there were masks. */
export const sealed = { aggregation: { mode: 'sealed' } } as const

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export type SiteFixture = {
  readonly coordinator: ScriptedLink
  readonly trainer: ScriptedTrainer
  readonly events: AgentEvent[]
  readonly identity: Identity
  readonly state: string
  readonly leadsApproved: string[]
  /** Whether the policy approves their sealed studies too. */
  readonly sealedApproved: boolean
  /** Fingerprints by name, as policy.yaml gives them. */
  readonly sitesApproved: Record<string, string>
  readonly study: SignedStudy
  readonly model: string
  /** What `policy.yaml` asks of secure rounds and of logs. */
  readonly policy: Mutable<Policy>
  store: SiteStore
  site: Site
  agent: Agent
  /** A person at the site decides. */
  decide(decision: 'approved' | 'rejected', study?: SignedStudy): void
  /**
   * A plan in the study's mode; in a secure one, the roster is that of the cohort named. An evaluation is of a model that this
   * site has seen an entry of the log make.
   */
  plan(fields?: PlanFields): {
    readonly plan: RoundPlan
    readonly hash: string
    readonly signed: SignedRoundPlan
  }
  /** The process dies without a word and another one starts on the same state folder. */
  restart(): void
  close(): Promise<void>
}

const threeParameters = [
  { name: 'weight', dims: [2, 1] },
  { name: 'bias', dims: [1] },
]
const graph = Buffer.from('a forward graph')

export function studyOf(
  fields: Partial<StudyInput>,
  link: Pick<ScriptedLink, 'addObject'>,
  layout: StudyManifest['layout'] = threeParameters,
): StudyManifest {
  const study = studySchema.parse({
    name: 'heart',
    title: 'Heart disease',
    model: { from: 'zoo', name: 'logistic-regression' },
    features: [
      { name: 'age', type: 'number' },
      { name: 'chol', type: 'number' },
    ],
    label: { name: 'disease', type: 'binary' },
    loss: 'binary-cross-entropy',
    optimizer: { name: 'sgd', learningRate: 0.1 },
    localTraining: { steps: 20, batchSize: 4 },
    rounds: 3,
    evaluation: { bins: 4 },
    ...fields,
  } satisfies StudyInput)
  const parameters = new Uint8Array(4 * parameterCount(layout))
  return {
    format: 1,
    study,
    graph: { sha256: link.addObject(graph), bytes: graph.length },
    layout,
    initialParameters: { sha256: link.addObject(parameters), bytes: parameters.length },
  }
}

/** Attending, with the study known and the peers pinned; approved unless told otherwise. */
export function openSite(
  options: {
    study?: Partial<StudyInput>
    layout?: StudyManifest['layout']
    approved?: boolean
    pinned?: boolean
    sealedApproved?: boolean
  } = {},
): SiteFixture {
  const state = mkdtempSync(join(tmpdir(), 'consilium-site-'))
  const link = scriptedLink(siteName)
  const trainer = scriptedTrainer()
  trainer.onCall = link.notice
  const study = signStudy(studyOf(options.study ?? {}, link, options.layout), lead)
  const model = study.manifest.initialParameters.sha256
  const fixture = {
    coordinator: link,
    trainer,
    events: [] as AgentEvent[],
    identity: generateIdentity(),
    state,
    leadsApproved: [] as string[],
    sealedApproved: options.sealedApproved ?? true,
    sitesApproved: {} as Record<string, string>,
    study,
    model,
    policy: { ...defaultPolicy, ...anyStudy },
  }
  const opened: SiteFixture = {
    ...fixture,
    ...start(fixture),
    decide(decision, decided = study) {
      const { known } = opened.store.studies.keep(studyBytes(decided))
      const { hash, lead: signer } = known
      const by = { by: 'person', account: 'it', reason: '', accepted: [...rules] } as const
      opened.store.studies.decide({ study: hash, decision, lead: signer, ...by })
    },
    plan(fields = {}) {
      const { secure, ...others } = fields
      const isSecure = study.manifest.study.aggregation.mode === 'secure'
      const named = { purpose: 'train', cohort, ...others } as const
      const startsFrom = {
        run: 'heart-1',
        model,
        ...(named.purpose !== 'statistics' && { standardisation }),
        ...(named.purpose === 'evaluate' && { modelEntry: 1 }),
        ...others,
      }
      const { run, modelEntry } = startsFrom
      if (named.purpose === 'evaluate' && modelEntry !== undefined && !opened.store.heads.find(run)?.model)
        opened.store.heads.accept(run, logHead, { entry: modelEntry, parameters: startsFrom.model })
      const plan: RoundPlan = {
        format: 2,
        ...startsFrom,
        study: studyHash(study.manifest),
        round: 1,
        logHead,
        ...(isSecure && { proven: provenBy(startsFrom) }),
        ...(isSecure && named.purpose === 'statistics' && { columns: columnsOf(study.manifest.study.features) }),
        ...(isSecure
          ? { secure: { ...secureOf(named, fixture.identity, study.manifest), ...secure } }
          : { runPublicKey: Buffer.from(runKey.publicKey).toString('base64') }),
        ...named,
      }
      return { plan, hash: planHash(plan), signed: signRoundPlan(plan, coordinator) }
    },
    restart() {
      opened.store.close()
      Object.assign(opened, start(fixture))
      void opened.agent.attend()
    },
    async close() {
      await opened.agent.stop()
      await opened.site.maskThreads.close()
      opened.store.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
  opened.store.studies.keep(studyBytes(study))
  if (options.pinned !== false)
    for (const { name, identity } of peers.values())
      opened.store.roster.pin({ site: name, publicKey: identity.publicKey }, { by: 'person', account: 'it' })
  if (options.approved !== false) {
    opened.decide('approved')
    opened.store.records.dataChecked({ study: studyHash(study.manifest), summary: noData })
  }
  void opened.agent.attend()
  return opened
}

/** Fields of a plan that a test changes; those of `secure` one by one. */
export type PlanFields = Partial<Omit<RoundPlan, 'secure'>> & { readonly secure?: Partial<SecureRound> }

/** Every peer signed what a plan starts from. */
export function provenBy({
  run,
  model,
  modelEntry,
  standardisation,
}: Pick<RoundPlan, 'run' | 'model' | 'modelEntry' | 'standardisation'>): NonNullable<RoundPlan['proven']> {
  const by = (purpose: Purpose, made: string): Proven => {
    const sum = { planHash: 'ee'.repeat(32), sums: 'ff'.repeat(32) }
    const message = verdictMessage('verified', { ...sum, run, purpose, made })
    const verified = [...peers.values()].map(({ name, identity }) => {
      return { site: name, signature: Buffer.from(signMessage(identity, message)).toString('base64') }
    })
    return { ...sum, verified }
  }
  const summed = (columns: SummedColumn[]) => ({ run, ...by('statistics', columnsHash(columns)), columns })
  return {
    ...(modelEntry !== undefined && { model: by('train', model) }),
    ...(standardisation && { columns: [summed(columnsLike(standardisation))] }),
  }
}

/** Of the columns of the fixture's studies. */
function columnsLike({ means, standardDeviations }: Standardisation): SummedColumn[] {
  return ['age', 'chol'].map((name, i) => {
    return { name, means: [means[i] ?? 0], standardDeviations: [standardDeviations[i] ?? 0] }
  })
}

const standardisation = { means: [50, 240], standardDeviations: [9, 50] }
/** Of a log that nobody has asked to see. */
export const logHead = { size: 2, root: 'ab'.repeat(32) }

function secureOf(
  plan: Pick<RoundPlan, 'cohort' | 'purpose' | 'columns'>,
  identity: Identity,
  manifest: StudyManifest,
): SecureRound {
  const names = plan.cohort.length < 3 ? cohort : plan.cohort
  const keyOf = (name: string) =>
    (name === siteName ? identity : peers.get(name)?.identity)?.publicKey ?? lead.publicKey
  return {
    roster: names.map((name) => Buffer.from(keyOf(name)).toString('base64')),
    colluders: defaultColluders(names.length),
    survivorsMin: defaultSurvivorsMin(names.length),
    vectors: plan.columns ? statisticsVectors(plan.columns) : secureVectors(plan.purpose, vectorSizes(manifest)),
  }
}

export function studyBytes(study: SignedStudy): Uint8Array {
  return Buffer.from(JSON.stringify(study))
}

const noData = { trainRows: 0, testRows: 0, droppedRows: 0, remarks: [] }

function start(
  fixture: Pick<
    SiteFixture,
    | 'coordinator'
    | 'trainer'
    | 'events'
    | 'identity'
    | 'state'
    | 'leadsApproved'
    | 'sealedApproved'
    | 'sitesApproved'
    | 'policy'
  >,
) {
  const store = openSiteStore(fixture.state)
  const { link } = fixture.coordinator
  const emit = (event: AgentEvent) => {
    fixture.events.push(event)
    fixture.coordinator.notice()
  }
  const fetchObject = objectFetcher({ store, link })
  const readPolicy = (): Policy => ({
    ...fixture.policy,
    approve: { ...fixture.policy.approve, leads: fixture.leadsApproved, sealed: fixture.sealedApproved },
    roster: { sites: fixture.sitesApproved },
  })
  const trainers = openSiteTrainers({
    secret: siteSecret,
    siteConfigPath: 'site.yaml',
    startTrainer: fixture.trainer.start,
    store,
    checkRows: (study, data) => checkRows(study, data, { store, policy: readPolicy() }),
    fetchObject,
    emit,
  })
  const pinnedCoordinator = openPinnedCoordinator({
    publicKey: coordinator.publicKey,
    keep: () => undefined,
    emit,
  })
  const site: Site = {
    name: siteName,
    secret: siteSecret,
    identity: fixture.identity,
    get coordinatorPublicKey() {
      return pinnedCoordinator.publicKey
    },
    store,
    link,
    fetchObject,
    trainers,
    maskThreads: openMaskThreads(1),
    readPolicy,
    now: () => new Date(0),
    emit,
  }
  const agent = new Agent(site, openConsent({ site, identity: fixture.identity, readPolicy }), {
    roster: openRosterKeeper({ site, publicKey: fixture.identity.publicKey, readPolicy }),
    coordinator: pinnedCoordinator,
  })
  return { store, site, agent }
}
