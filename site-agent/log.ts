/**
 * The agent's log, by pino, on standard error: JSON lines for machines, plain lines for people. It is fed by the agent's
 * events, which hold counts, hashes and names; no tensor, no patient's value, no secret ever reaches it.
 */
import { type Logger, pino } from 'pino'
import type { AgentEvent } from './round/events.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export function openLogger(options: {
  readonly json: boolean
  readonly level: LogLevel
  /** Takes whole lines. */
  readonly write: (text: string) => void
}): Logger {
  const { json, level, write } = options
  const destination = { write: (line: string) => write(json ? line : plainLine(JSON.parse(line))) }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** For an agent that nobody listens to. */
export function silentLogger(): Logger {
  return pino({ enabled: false })
}

export function logEvent(logger: Logger, event: AgentEvent): void {
  const { type, ...fields } = event
  logger[levelOf(event)]({ event: type, ...fields }, describeEvent(event))
}

/** One event as a sentence for people. */
export function describeEvent(event: AgentEvent): string {
  switch (event.type) {
    case 'link-up':
      return 'connected to the coordinator'
    case 'link-down':
      return `connection lost: ${event.reason}; dialling again`
    case 'already-attending':
      return `not admitted: ${event.reason}; trying again within a minute`
    case 'study-offered':
      if (event.breaks !== undefined)
        return `study ${event.name} (${short(event.study)}) breaks rules of policy.yaml and awaits a person (${event.breaks}): site-agent study show ${short(event.study)}`
      return `study ${event.name} of lead ${event.lead} awaits a decision: site-agent study show ${short(event.study)}`
    case 'study-decided':
      return `study ${event.name} (${short(event.study)}) ${event.decision} by ${event.by}`
    case 'data-checked':
      return `data fit study ${event.name}: ${event.trainRows} training rows, ${event.testRows} test rows, ${event.droppedRows} left out${event.remarks.map((remark) => `; ${remark}`).join('')}`
    case 'trainer-restarted':
      return `the training process of study ${short(event.study)} is started again: ${event.reason}`
    case 'work-started':
      return `${round(event)}: working`
    case 'attempted-again':
      return `${round(event)}: attempted again, with what was computed before`
    case 'work-resumed':
      return `${round(event)}: goes on after ${event.steps} steps done before`
    case 'checkpoint-failed':
      return `${round(event)}: ${event.reason}`
    case 'progress':
      return `${round(event)}: ${event.done} of ${event.total}`
    case 'evaluated':
      return `${round(event)}: ${evaluation(event)}; this stays here`
    case 'diverged':
      return `${round(event)}: training diverged after ${event.steps} steps; the update of the last finite one leaves`
    case 'nothing-to-give':
      return `${round(event)}: this site sends zeros (${event.code}): ${event.reason}`
    case 'work-done':
      return `${round(event)}: done, ${event.bytes} bytes wait`
    case 'keys-advertised':
      return `${round(event)}: keys advertised`
    case 'keys-shared':
      return `${round(event)}: keys shared among ${event.sites} sites`
    case 'survivors-confirmed':
      return `${round(event)}: confirmed the sum of ${event.survivors} sites`
    case 'unmasked':
      return `${round(event)}: helped to unmask the sum`
    case 'sum-verified':
      return `${round(event)}: the sum is that of what was masked, and makes what the coordinator says`
    case 'uploading':
      return `${round(event)}: ${event.sentBytes} of ${event.totalBytes} bytes sent`
    case 'uploaded':
      return `${round(event)}: uploaded ${event.bytes} bytes`
    case 'refused':
      return `refused (${event.code}): ${event.reason}`
    case 'round-over':
      return `${round(event)}: ${event.outcome}${event.reason && `, ${event.reason}`}`
    case 'roster-changed':
      return event.sites.map(describeOffer).join('; ')
    case 'partners-asked':
      return `study ${event.name} (${short(event.study)}): change ${event.number} of its partners awaits a person (${event.reason}): site-agent study partners ${short(event.study)}`
    case 'partners-agreed':
      return `study ${event.name} (${short(event.study)}): this site goes along with change ${event.number} of its partners (${event.text})`
    case 'coordinator-key-rotated':
      return `the coordinator handed its key on: ${event.fingerprint} is pinned in place of ${event.previous}, which signed for it`
    case 'run-over':
      return `run ${event.run}: ${event.outcome}${event.reason && `, ${event.reason}`}`
    case 'restored':
      return `THIS SITE WAS RESTORED: ${event.reason}`
    case 'site-revoked':
      return `the coordinator revoked ${event.site} ${event.fingerprint} on ${event.at}: this site works with that key no more unless it is approved again here`
    case 'coordinator-went-back':
      return `THE COORDINATOR'S LOG WENT BACK: ${event.reason}`
    case 'coordinator-recovered':
      return `THE COORDINATOR WAS RESTORED: ${event.reason}`
    case 'trouble':
      return `${event.code}: ${event.reason}`
  }
}

function describeOffer({ site, fingerprint, state }: Extract<AgentEvent, { type: 'roster-changed' }>['sites'][number]) {
  if (state === 'pinned') return `roster: ${site} ${fingerprint} is pinned by policy.yaml`
  const what = state === 'changed' ? 'the coordinator offers ANOTHER key than the pinned one' : 'a new site'
  return `roster: ${site} ${fingerprint}, ${what}: compare the fingerprint with ${site} itself, then site-agent roster approve ${site} <fingerprint>`
}

function levelOf(event: AgentEvent): LogLevel {
  const { type } = event
  // What the policy names as it is asks nothing of anybody.
  if (type === 'roster-changed' && event.sites.every(({ state }) => state === 'pinned')) return 'info'
  if (type === 'progress' || type === 'uploading') return 'debug'
  return warnings.has(type) ? 'warn' : 'info'
}

const warnings: ReadonlySet<AgentEvent['type']> = new Set([
  'link-down',
  'already-attending',
  'refused',
  'diverged',
  'nothing-to-give',
  'trainer-restarted',
  'checkpoint-failed',
  'restored',
  'coordinator-went-back',
  'coordinator-recovered',
  'trouble',
  'roster-changed',
  'partners-asked',
  'coordinator-key-rotated',
])

function round(event: { readonly run: string; readonly round: number; readonly purpose: string }): string {
  return `${event.run} round ${event.round} ${event.purpose}`
}

function evaluation(event: Extract<AgentEvent, { type: 'evaluated' }>): string {
  const { examples, loss, accuracy } = event
  const parts = [
    loss !== undefined && `loss ${loss.toFixed(4)}`,
    accuracy !== undefined && `accuracy ${(100 * accuracy).toFixed(1)} %`,
  ]
  return [`${examples} test rows`, ...parts].filter(Boolean).join(', ')
}

function short(hash: string): string {
  return hash.slice(0, 12)
}

type Line = { readonly time: string; readonly level: number; readonly msg: string; readonly event?: string }

/** An event's fields stand in its sentence already; those of other lines follow it. */
function plainLine({ time, level, msg, event, ...fields }: Line): string {
  const rest = event ? [] : Object.entries(fields).map(([name, value]) => ` ${name}=${value}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text from elsewhere must not redraw the terminal.
  const text = [msg, ...rest].join('').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return `${time.slice(11, 19)} ${(pino.levels.labels[level] ?? '').padEnd(5)} ${text}\n`
}
