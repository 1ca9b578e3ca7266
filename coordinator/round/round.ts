/**
 * One round: a value that is in one of its phases, or over. `decide` says which events a command leads to, `evolve` what
 * the round is after an event; both are pure, and each phase has them in a file of its own. The phases of a secure round
 * are Bonawitz et al. 2017 with the consistency round (fedsum, section A.3); in sealed mode four of them are left.
 */
import * as advertiseKeys from './advertise-keys.ts'
import * as collectUpdates from './collect-updates.ts'
import type { RoundCommand } from './commands.ts'
import * as commit from './commit.ts'
import * as confirmSurvivors from './confirm-survivors.ts'
import type { RoundEvent } from './events.ts'
import type { RoundOver } from './over.ts'
import type { Attendance } from './presence.ts'
import * as recruit from './recruit.ts'
import * as shareKeys from './share-keys.ts'
import * as unmask from './unmask.ts'
import * as verify from './verify.ts'
import * as work from './work.ts'

export type OpenRound =
  | recruit.Recruiting
  | work.Working
  | advertiseKeys.AdvertisingKeys
  | shareKeys.SharingKeys
  | collectUpdates.CollectingUpdates
  | confirmSurvivors.ConfirmingSurvivors
  | unmask.Unmasking
  | commit.Committing
  | verify.Verifying
export type Round = OpenRound | RoundOver

export function decideRound(round: OpenRound, command: RoundCommand, now: Date): RoundEvent[] {
  if (command.type !== 'look' && (round.phase === 'recruit' || round.planHash !== command.planHash)) return []
  switch (round.phase) {
    case 'recruit':
      return recruit.decide(round, command, now)
    case 'work':
      return work.decide(round, command, now)
    case 'advertise-keys':
      return advertiseKeys.decide(round, command, now)
    case 'share-keys':
      return shareKeys.decide(round, command, now)
    case 'collect-updates':
      return collectUpdates.decide(round, command, now)
    case 'confirm-survivors':
      return confirmSurvivors.decide(round, command, now)
    case 'unmask':
      return unmask.decide(round, command, now)
    case 'commit':
      return commit.decide(round, command, now)
    case 'verify':
      return verify.decide(round, command, now)
  }
}

export function evolveRound(round: OpenRound, event: RoundEvent): Round {
  switch (round.phase) {
    case 'recruit':
      return recruit.evolve(round, event)
    case 'work':
      return work.evolve(round, event)
    case 'advertise-keys':
      return advertiseKeys.evolve(round, event)
    case 'share-keys':
      return shareKeys.evolve(round, event)
    case 'collect-updates':
      return collectUpdates.evolve(round, event)
    case 'confirm-survivors':
      return confirmSurvivors.evolve(round, event)
    case 'unmask':
      return unmask.evolve(round, event)
    case 'commit':
      return commit.evolve(round, event)
    case 'verify':
      return verify.evolve(round, event)
  }
}

/**
 * When to look again if nothing happens before, epoch milliseconds; undefined where the coordinator's own work is due, and
 * while releases are awaited: they have no deadline.
 */
export function nextDeadline(round: OpenRound, attendance: Attendance): number | undefined {
  switch (round.phase) {
    case 'recruit':
      return recruit.deadline(round, attendance)
    case 'work':
      return work.deadline(round, attendance)
    case 'advertise-keys':
      return advertiseKeys.deadline(round, attendance)
    case 'share-keys':
      return shareKeys.deadline(round, attendance)
    case 'collect-updates':
      return collectUpdates.deadline(round, attendance)
    case 'confirm-survivors':
      return confirmSurvivors.deadline(round)
    case 'verify':
      return verify.deadline(round)
    case 'unmask':
    case 'commit':
      return undefined
  }
}

/** The round after a restart of the coordinator: its phase gets its whole time again. */
export function resumeRound(round: OpenRound, atMs: number): OpenRound {
  if (round.phase === 'verify') return round.enoughSinceMs === undefined ? round : { ...round, enoughSinceMs: atMs }
  return round.phase === 'commit' ? round : { ...round, sinceMs: atMs }
}
