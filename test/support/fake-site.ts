/**
 * A site in this process: it joins, attends, approves what it is offered, and does what it is asked, with contributions
 * made up from its number. It keeps finished work as a real agent does, so it never works twice for one plan.
 */
import { randomBytes } from 'node:crypto'
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { generateIdentity, type Identity, sign } from '@consilium/protos/identity.ts'
import { parseJoinCode } from '@consilium/protos/join-code.ts'
import { columnsOf, summedValues } from '@consilium/protos/plan/columns.ts'
import { type Contribution, encodeContribution } from '@consilium/protos/plan/contribution.ts'
import {
  type PartnerWord,
  parsePartnerChange,
  signPartnerWord,
  type UnsignedPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import { planHash, type RoundPlan, readRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { parameterCount, readSignedStudy, type StudyManifest, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { sealUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import type { MaskedInput, SecureToSite } from '@consilium/protos/secagg/messages.ts'
import type { Caller, JoinReply, SiteStream, StreamListener, ToSite, UploadHeader } from '../../coordinator/services.ts'
import type { CoordinatorFixture } from './coordinator-fixture.ts'
import { secureWords } from './secure-contribution.ts'
import { type SecureSite, secureSite } from './secure-sites.ts'

type Ending = { readonly code: string; readonly reason: string }

export class FakeSite {
  readonly name: string
  readonly number: number
  readonly identity: Identity = generateIdentity()
  readonly heard: ToSite[] = []
  readonly endings: Ending[] = []
  /** Plans this site worked for, each time it did. */
  readonly worked: string[] = []
  /** Finished work of open plans: sealed, or masked once the site knows with whom. */
  readonly outbox = new Map<string, Uint8Array>()
  readonly failures: unknown[] = []
  /** Bytes handed to the coordinator, counted as often as they were sent. */
  sentBytes = 0
  chunkBytes = 100
  /** What the site does when it is asked; a test may change any of it. */
  approves = true
  works = true
  uploads = true
  /** Whether it goes along with changes of partners. */
  agrees = true
  /** Sites whose identities it does not pin; those of all others it does. */
  readonly distrusts = new Set<string>()
  /** Messages of secure rounds that it leaves unanswered. */
  readonly ignores = new Set<SecureToSite['type']>()
  /** Whether it answers a message of a secure round. */
  answers = (_message: SecureToSite, _plan: RoundPlan): boolean => true
  contribution = (plan: RoundPlan, manifest: StudyManifest): Contribution => contributionOf(this.number, plan, manifest)
  caller!: Caller
  secure: SecureSite
  #attendance: StreamListener | undefined
  readonly #nonces: string[] = []
  readonly #unmasked = new Map<string, { readonly plan: RoundPlan; readonly words: readonly Int32Array[] }>()
  readonly #masked = new Map<string, MaskedInput>()
  readonly #fixture: CoordinatorFixture
  readonly #studies = new Map<string, StudyManifest>()
  readonly #waiting = new Set<() => void>()

  private constructor(fixture: CoordinatorFixture, name: string, number: number) {
    this.#fixture = fixture
    this.name = name
    this.number = number
    this.secure = secureSite(name, this.identity)
  }

  static async join(fixture: CoordinatorFixture, name: string, number: number): Promise<FakeSite> {
    return FakeSite.joinWith(fixture, name, number, (await fixture.admin.addSite(name, 60)).joinCode)
  }

  static async joinWith(
    fixture: CoordinatorFixture,
    name: string,
    number: number,
    joinCode: string,
  ): Promise<FakeSite> {
    const site = new FakeSite(fixture, name, number)
    await site.join(joinCode)
    site.attend()
    return site
  }

  async join(joinCode: string): Promise<JoinReply> {
    const secret = Buffer.from(parseJoinCode(joinCode).secret, 'base64')
    const certificateRequest = randomBytes(40)
    const { publicKey: identityPublicKey } = this.identity
    const identitySignature = sign(this.identity, 'join', Buffer.from(this.name), secret, certificateRequest)
    const request = { site: this.name, secret, certificateRequest, identityPublicKey, identitySignature }
    const reply = await this.#fixture.service.join(request)
    const expiresAt = new Date(this.#fixture.clock.now().getTime() + 90 * 86_400_000)
    this.caller = { site: this.name, serial: reply.certificatePem.split(' ')[1]!, expiresAt }
    return reply
  }

  /** Opens a control stream, in place of one that is open: it is the same process. */
  attend(): void {
    let open = true
    const stream: SiteStream = {
      caller: this.caller,
      admit: () => {},
      send: (message) => {
        if (open) this.#hear(message)
      },
      end: (code, reason) => {
        open = false
        this.endings.push({ code, reason })
        this.#wake()
      },
    }
    const earlier = [...this.#nonces]
    const nonce = randomBytes(16).toString('hex')
    this.#nonces.push(nonce)
    this.#attendance = this.#fixture.service.attend(stream, { type: 'hello', agentVersion: '0.1.0', nonce, earlier })
    for (const hash of new Set([...this.outbox.keys(), ...this.#unmasked.keys()]))
      this.say({ type: 'work-done', planHash: hash })
  }

  leave(): void {
    this.#attendance?.closed()
    this.#attendance = undefined
  }

  say(message: Parameters<StreamListener['receive']>[0]): void {
    this.#attendance?.receive(message)
  }

  /** Resolves with what `find` gives as soon as it gives something. */
  async until<Found>(find: (site: FakeSite) => Found | undefined | false): Promise<Found> {
    for (;;) {
      const found = find(this)
      if (found) return found
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Its command line says what it pins now, beside its stream. */
  async tellPins(): Promise<void> {
    const roster = this.heard.findLast((message) => message.type === 'roster')
    await this.#fixture.service.pin(this.caller, this.#pinned(roster!.sites))
  }

  decide(studyHashHex: string, decision: 'approve' | 'reject' = 'approve', identity = this.identity): Promise<void> {
    const signature = sign(identity, 'decision', Buffer.from(studyHashHex, 'hex'), Buffer.from(decision))
    return this.#fixture.service.decide(this.caller, { studyHash: studyHashHex, decision, reason: '', signature })
  }

  sayOfPartners(word: UnsignedPartnerWord, identity = this.identity): Promise<void> {
    return this.#fixture.service.sayOfPartners(this.caller, signPartnerWord(word, identity) as PartnerWord)
  }

  /** Uploads what is in the outbox for the plan, from where the coordinator is; at most `chunksMax` chunks of it. */
  async upload(plan: string, chunksMax = Number.POSITIVE_INFINITY): Promise<{ readonly size: number }> {
    const sealed = this.outbox.get(plan)!
    const { offset, complete } = await this.#fixture.service.uploadOffset(this.caller, plan)
    if (complete) return { size: sealed.length }
    return this.#fixture.service.upload(
      this.caller,
      { ...this.header(plan), offset },
      this.chunks(sealed, offset, chunksMax),
    )
  }

  /** Of the upload of what is in the outbox, from its start. */
  header(plan: string): UploadHeader {
    const bytes = this.outbox.get(plan)!
    const masked = this.#masked.get(plan)
    return { planHash: plan, sha256: sha256Hex(bytes), size: bytes.length, offset: 0, ...(masked && { masked }) }
  }

  async *chunks(sealed: Uint8Array, offset: number, chunksMax: number): AsyncGenerator<Uint8Array> {
    for (let at = offset, sent = 0; at < sealed.length; at += this.chunkBytes, sent++) {
      if (sent >= chunksMax) throw new FederationError('link-down', 'cut')
      const chunk = sealed.subarray(at, at + this.chunkBytes)
      this.sentBytes += chunk.length
      yield chunk
    }
  }

  #hear(message: ToSite): void {
    this.heard.push(message)
    // Not at once: what a new stream brings comes before the site can answer on it.
    Promise.resolve()
      .then(() => this.#act(message))
      .catch((error) => {
        this.failures.push(error)
        this.#wake()
      })
    this.#wake()
  }

  async #act(message: ToSite): Promise<void> {
    if (message.type === 'study') {
      const { manifest } = readSignedStudy(message.signedStudy)
      this.#studies.set(studyHash(manifest), manifest)
      if (this.approves) await this.decide(studyHash(manifest))
    } else if (message.type === 'partner-change' && this.agrees) {
      const { study, hash: change, sets } = parsePartnerChange(message.signed.bytes)
      const joins = sets.some(({ before, after }) => after.includes(this.name) && !before.includes(this.name))
      if (sets.some(({ after }) => after.includes(this.name)))
        await this.sayOfPartners({ word: joins ? 'join' : 'agree', study, change })
    } else if (message.type === 'roster') this.say({ type: 'pinned', sites: this.#pinned(message.sites) })
    else if (message.type === 'assignment') this.#work(message.plan)
    else if (message.type === 'collect-updates' && this.uploads) await this.upload(message.planHash)
    else if (message.type === 'round-over') {
      this.outbox.delete(message.planHash)
      this.#unmasked.delete(message.planHash)
    } else await this.#actSecurely(message)
  }

  async #actSecurely(message: ToSite): Promise<void> {
    if (!isSecure(message) || this.ignores.has(message.type)) return
    const plan = this.#unmasked.get(message.planHash)?.plan
    if (plan && !this.answers(message, plan)) return
    switch (message.type) {
      case 'advertise-keys':
        return this.say(this.secure.advertise(this.#unmasked.get(message.planHash)!.plan))
      case 'directory':
        return this.say(this.secure.shareKeys(message))
      case 'shares': {
        const { bytes, masked } = this.secure.mask(message, this.#unmasked.get(message.planHash)!.words)
        this.outbox.set(message.planHash, bytes)
        this.#masked.set(message.planHash, masked)
        if (this.uploads) await this.upload(message.planHash)
        return
      }
      case 'survivors':
        return this.say(this.secure.confirm(message))
      case 'quorum':
        return this.say(this.secure.unmask(message.planHash))
      case 'verify-sum':
        return this.say(this.secure.verify(message))
    }
  }

  #pinned(sites: readonly RosterSite[]): RosterSite[] {
    return sites.filter(({ site }) => !this.distrusts.has(site))
  }

  #work(signed: Extract<ToSite, { type: 'assignment' }>['plan']): void {
    const plan = readRoundPlan(signed, this.#fixture.identity.publicKey)
    const hash = planHash(plan)
    if (!this.works) return
    if (!this.outbox.has(hash) && !this.#unmasked.has(hash)) {
      this.worked.push(hash)
      const manifest = this.#studies.get(plan.study)!
      const contribution = this.contribution(plan, manifest)
      if (plan.secure)
        this.#unmasked.set(hash, { plan, words: secureWords(contribution, plan, manifest.study, this.identity.seed) })
      else this.outbox.set(hash, this.#seal(contribution, plan, hash))
    }
    this.say({ type: 'work-done', planHash: hash })
  }

  #seal(contribution: Contribution, { runPublicKey }: RoundPlan, hash: string): Uint8Array {
    const context = Buffer.from(`${hash}:${this.name}`)
    return sealUpdate(encodeContribution(contribution), Buffer.from(runPublicKey!, 'base64'), context)
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) {
      this.#waiting.delete(wake)
      wake()
    }
  }
}

const secureTypes: readonly string[] = ['advertise-keys', 'directory', 'shares', 'survivors', 'quorum', 'verify-sum']

function isSecure(message: ToSite): message is SecureToSite {
  return secureTypes.includes(message.type)
}

/** Something plausible that depends on the site and the round, and on nothing else. */
export function contributionOf(number: number, plan: RoundPlan, manifest: StudyManifest): Contribution {
  const examples = 10 * (number + 1)
  if (plan.purpose === 'train') {
    const update = new Float32Array(parameterCount(manifest.layout))
    update.forEach((_, i) => {
      // Whole multiples of a power of two: with the fixture's study fixed-point numbers lose nothing of them.
      update[i] = Math.round(64 * Math.sin(i + 3 * number + 7 * plan.round)) / 64
    })
    const header = { purpose: 'train', examples, steps: 100, loss: 1 / plan.round, clipped: number === 0 } as const
    return { header, vector: update }
  }
  if (plan.purpose === 'statistics') {
    const columns = summedValues(plan.columns ?? columnsOf(manifest.study.features))
    const sums = new Float64Array(3 * columns)
    for (let column = 0; column < columns; column++) {
      sums[column] = examples
      sums[columns + column] = examples * column
      sums[2 * columns + column] = examples * (column ** 2 + 1)
    }
    return { header: { purpose: 'statistics', examples }, vector: sums }
  }
  const { bins } = manifest.study.evaluation
  const histogram = new Float64Array(2 * bins)
  histogram[10 * number] = examples / 2
  histogram[bins + 10 * number + 5] = examples / 2
  const header = { purpose: 'evaluate', examples, lossSum: examples / 2, correct: examples / 2 + number } as const
  return { header, vector: histogram }
}
