/**
 * The agent: answers what the coordinator says on the control stream with the phases of a round, one file each in
 * `round/`. Work goes on while the stream is down; after a restart the journal says what is finished, what is to be
 * worked again and what is over.
 */
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Consent } from './consent.ts'
import type { PinnedCoordinator } from './coordinator-key.ts'
import { keepRotations, takeRevoked, takeShownHead, tellKnownHeads } from './coordinator-log.ts'
import type { FromCoordinator } from './link/link.ts'
import { offeredChange, tellWords } from './partner-changes.ts'
import { openPinTelling, type PinTelling } from './pins.ts'
import { findRestored, tellKnownLedgers } from './restored.ts'
import type { RosterKeeper } from './roster.ts'
import { restoredError } from './round/after-restore.ts'
import { Assignments } from './round/assignments.ts'
import { isCalledOff } from './round/called-off.ts'
import { commitRound, commitRun, tidy } from './round/commit.ts'
import { refusalOf } from './round/refuse.ts'
import type { Site } from './round/site.ts'
import { openStandOutTelling, type StandOutTelling } from './stood-out.ts'

/** Whose keys the site trusts. */
export type Trust = {
  readonly roster: Pick<RosterKeeper, 'offered'>
  readonly coordinator: Pick<PinnedCoordinator, 'rotated'>
}

export class Agent {
  readonly #site: Site
  readonly #consent: Consent
  readonly #trust: Trust
  readonly #assignments: Assignments
  readonly #pins: PinTelling
  readonly #standOuts: StandOutTelling
  readonly #stopping = new AbortController()
  readonly #tasks = new Set<Promise<void>>()
  #telling: Promise<void> = Promise.resolve()

  constructor(site: Site, consent: Consent, trust: Trust) {
    this.#site = site
    this.#consent = consent
    this.#trust = trust
    this.#assignments = new Assignments(site, (task) => this.#start(task))
    this.#pins = openPinTelling(site)
    this.#standOuts = openStandOutTelling(site)
  }

  /** Attends until {@link stop}; rejects where dialling again cannot help (a revoked certificate). */
  attend(): Promise<void> {
    tidy(this.#site)
    this.#assignments.resume()
    return this.#site.link.attend({
      onUp: () => this.#onUp(),
      onDown: (reason, code) => this.#onDown(reason, code),
      onMessage: (message) => this.#unlessTrouble(() => this.#onMessage(message)),
      signal: this.#stopping.signal,
    })
  }

  /** Calls off what runs, ends the trainers, and waits until nothing moves. Unfinished work is worked again later. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#assignments.callOff('all')
    await this.#site.trainers.stop()
    await Promise.all(this.#tasks)
  }

  #onUp(): void {
    this.#unlessTrouble(() => this.#site.store.attendance.set('attending'))
    this.#site.emit({ type: 'link-up' })
    this.#unlessTrouble(() => tellKnownHeads(this.#site))
    this.#unlessTrouble(() => tellKnownLedgers(this.#site))
    this.#unlessTrouble(() => this.#standOuts.tell())
    this.#unlessTrouble(() => this.#assignments.announce())
    this.#tellWords()
    this.#start(this.#consent.checkApproved(this.#stopping.signal))
  }

  #onDown(reason: string, code: ErrorCode | undefined): void {
    this.#assignments.lost()
    const refused = code === 'already-attending'
    this.#unlessTrouble(() => this.#site.store.attendance.set(refused ? 'refused' : 'away', reason))
    this.#site.emit({ type: refused ? code : 'link-down', reason })
  }

  #onMessage(message: FromCoordinator): void {
    if (message.type === 'study') this.#start(this.#consent.offered(message.signedStudy, this.#stopping.signal))
    else if (message.type === 'roster') {
      try {
        this.#trust.roster.offered(message.sites)
      } finally {
        this.#pins.tell()
      }
    } else if (message.type === 'partner-change') {
      offeredChange(message, this.#site)
      this.#tellWords()
    } else if (message.type === 'ledger-seen') this.#ledgerSeen(message.ledger)
    else if (message.type === 'shown-head') takeShownHead(message, this.#site)
    else if (message.type === 'revoked') takeRevoked(message.revocations, this.#site)
    else if (message.type === 'coordinator-keys') {
      this.#trust.coordinator.rotated(message.rotations)
      keepRotations(message.rotations, this.#site)
    } else if (message.type === 'assignment') {
      this.#unlessTrouble(() => this.#pins.tellChanges())
      this.#unlessTrouble(() => this.#standOuts.tellChanges())
      this.#assignments.assign(message.plan)
    } else if (message.type === 'round-over') {
      commitRound(message, this.#site)
      this.#unlessTrouble(() => this.#standOuts.tellAgain())
      this.#assignments.callOff('over')
    } else if (message.type === 'run-over') {
      const study = commitRun(message, this.#site)
      this.#assignments.callOff('over')
      if (study) this.#start(this.#site.trainers.release(study))
    } else this.#assignments.answer(message)
  }

  /** Before anything goes on that was open: a restored site ends it all, and says to the coordinator why. */
  #ledgerSeen(ledger: SignedLedger): void {
    if (!findRestored(ledger, this.#site)) return
    const why = restoredError(this.#site)
    if (!why) return
    this.#site.emit({ type: 'restored', reason: why.message })
    this.#assignments.endAll(why)
  }

  /** One after the other, so that nothing is said twice. */
  #tellWords(): void {
    this.#telling = this.#telling.catch(() => {}).then(() => tellWords(this.#site))
    this.#start(this.#telling)
  }

  #start(task: Promise<void>): void {
    const settled = task.catch((error: unknown) => this.#trouble(error)).finally(() => this.#tasks.delete(settled))
    this.#tasks.add(settled)
  }

  /** What goes wrong with one message ends neither the stream nor the agent. */
  #unlessTrouble(body: () => void): void {
    try {
      body()
    } catch (error) {
      this.#trouble(error)
    }
  }

  #trouble(error: unknown): void {
    if (!isCalledOff(error, this.#stopping.signal)) this.#site.emit({ type: 'trouble', ...refusalOf(error) })
  }
}
