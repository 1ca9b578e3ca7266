/** A secure round of four honest sites, played up to the phase that a test is about. */
import type { RoundCommand } from '../../../coordinator/round/commands.ts'
import type { RoundEvent } from '../../../coordinator/round/events.ts'
import { decideRound, evolveRound, type OpenRound } from '../../../coordinator/round/round.ts'
import type { RoundSetting } from '../../../coordinator/round/setting.ts'
import { cohortSelected, dropped, identityOf, look, recruiting, setting, sites, timeAt } from './given.ts'
import { type HonestSites, honestSites } from './honest-sites.ts'

/** Four sites, c = 1, m = 3, and so t = 3: one may be lost on the way. */
export const secureSetting: RoundSetting = {
  ...setting,
  aggregation: { mode: 'secure', weights: 'bucket', weightMax: 65_536 },
  vectors: [
    { name: 'hdr', words: 16 },
    { name: 'update', words: 6 },
  ],
  cohort: { min: 3, quorum: 3 },
}

export type Phase = OpenRound['phase']
export type Of<Name extends Phase> = Extract<OpenRound, { phase: Name }>

/** The sites of all tests of a file: keys are drawn once. */
export const honest: HonestSites = honestSites(sites, identityOf)

export type Played = { readonly round: OpenRound; readonly events: readonly RoundEvent[] }

/** Decides and folds one command. */
export function send({ round, events }: Played, command: RoundCommand, ms = 0): Played {
  return decideRound(round, command, timeAt(ms)).reduce<Played>(
    (played, event) => {
      const next = evolveRound(played.round, event)
      if (next.phase === 'over') throw new Error(`the round is over: ${JSON.stringify(next.outcome)}`)
      return { round: next, events: [...played.events, event] }
    },
    { round, events },
  )
}

export function sendAll(played: Played, commands: readonly RoundCommand[]): Played {
  return commands.reduce((each, command) => send(each, command), played)
}

/** The event of dropping a site from this round. */
export function lost(...of: Parameters<typeof dropped>): RoundEvent {
  return { ...dropped(...of), planHash: cohortSelected(0, sites, secureSetting).planHash } as RoundEvent
}

/** Every one of these sites says all it has to say in the present phase; then the coordinator looks around. */
export function everybody(played: Played, names: readonly string[] = sites, by: HonestSites = honest): Played {
  const said = names.flatMap((name) => by.commands(played.round, name))
  return send(sendAll(played, said), look())
}

/** The round as it enters `phase`. `lost`: sites that refuse to go on in the phase named, which is before it. */
export function entering<Name extends Phase>(
  phase: Name,
  lost: Partial<Record<Phase, readonly string[]>> = {},
): Played & { readonly round: Of<Name> } {
  const isWhole = Object.keys(lost).length === 0
  const played = (isWhole ? whole.get(phase) : undefined) ?? play(phase, lost, isWhole ? honest : undefined)
  if (isWhole) whole.set(phase, played)
  return played as Played & { readonly round: Of<Name> }
}

/** Rounds of which nobody was lost are played once: signatures take milliseconds. */
const whole = new Map<Phase, Played>()

function play(
  phase: Phase,
  lost: Partial<Record<Phase, readonly string[]>>,
  by = honestSites(sites, identityOf),
): Played {
  let played: Played = { round: recruiting(sites, secureSetting), events: [] }
  for (let steps = 0; played.round.phase !== phase; steps++) {
    if (steps > 10) throw new Error(`the round stays in ${played.round.phase}`)
    const { round } = played
    for (const site of lost[round.phase] ?? [])
      if (round.phase !== 'recruit') played = send(played, refuse(round.planHash, site))
    const gone = round.phase === 'recruit' ? [] : round.dropouts.map(({ site }) => site).concat(lost[round.phase] ?? [])
    played = everybody(
      played,
      sites.filter((site) => !gone.includes(site)),
      by,
    )
  }
  return played
}

/** What an honest site says in the present phase; the first of it, of the given type. */
export function said<Type extends RoundCommand['type']>(
  round: OpenRound,
  site: string,
  type: Type,
): Extract<RoundCommand, { type: Type }> {
  const command = honest.commands(round, site).find((one) => one.type === type)
  if (!command) throw new Error(`${site} says nothing of that kind in ${round.phase}`)
  return command as Extract<RoundCommand, { type: Type }>
}

export function refuse(planHash: string, site: string): RoundCommand {
  return { type: 'refuse-work', planHash, site, reason: 'no' }
}
