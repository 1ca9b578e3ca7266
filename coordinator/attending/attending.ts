/**
 * The sites that hold a control stream open: one agent a site, the first that came. It ends with its certificate, and what
 * a site should have been told is worked out from the state, so that a new stream is told all of it again.
 *
 * A second stream of a site is one of three things. The same process dialled again before its broken line was noticed here:
 * it names the open stream among its earlier ones, which only that process can, and replaces it at once. An agent that was
 * started again: the earlier one is gone, with its stream or, on a dead line, without a word. A copy of the machine or of
 * its state folder: the earlier one is alive. The last two hold the same files, so no file tells them apart; the earlier
 * agent is asked, and stays if it answers.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import type { RosterSite, StoodOut } from '@consilium/protos/control-messages.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { FromSite, Hello, SiteStream, StreamListener, ToSite } from '../services.ts'

/** A message that a stream gets once; `key` tells it from others. `message` is read only when it is sent. */
export type Outgoing = { readonly key: string; readonly message: ToSite }

export type Attending = {
  attend(stream: SiteStream, hello: Hello): StreamListener
  readonly sites: readonly SiteName[]
  isAttending(site: SiteName): boolean
  /** Since when the site is away, epoch milliseconds; undefined while it attends. */
  absentSinceMs(site: SiteName): number | undefined
  /** Since when it attends, epoch milliseconds; undefined while it is away. */
  attendsSinceMs(site: SiteName): number | undefined
  /** The site told whose identities it has pinned. It counts for as long as its stream is open. */
  pinned(site: SiteName, sites: readonly RosterSite[]): void
  /** Their keys, base64; undefined while the site is away, and until it has answered the newest roster. */
  pinsOf(site: SiteName): ReadonlyMap<SiteName, string> | undefined
  /** The site told what it takes no part in. It counts for as long as its stream is open. */
  stoodOut(site: SiteName, of: readonly StoodOut[]): void
  /** Empty while the site is away. */
  standsOutOf(site: SiteName): readonly StoodOut[]
  /** Sends those of `outgoing` that this stream of the site has not had, in order. */
  deliver(site: SiteName, outgoing: readonly Outgoing[]): void
  /** Ends every stream of the site, admitted or not. */
  end(site: SiteName, ...why: Parameters<SiteStream['end']>): void
  stop(): void
}

export type AttendingOptions = {
  readonly clock: Clock
  /** A site came or went, or told what it pinned. */
  readonly onChange: (site: SiteName) => void
  /** What an admitted stream says, its hello first. */
  readonly onMessage: (stream: SiteStream, message: FromSite) => void
  /** A second agent with the identity of the site was not admitted. */
  readonly onRefused: (site: SiteName) => void
}

type Dialled = { readonly stream: SiteStream; readonly hello: Hello }

type Open = Dialled & {
  readonly sinceMs: number
  readonly cancelExpiry: () => void
  /** Streams that are admitted in place of this one if it does not answer, oldest first. */
  readonly newcomers: Set<Dialled>
  cancelQuestion: () => void
  answeredAtMs: number
  sent: Set<string>
  pins?: ReadonlyMap<SiteName, string>
  standsOut?: readonly StoodOut[]
}

/** How long an agent has for its answer: as long as a dead line takes to be noticed by a site. */
const answerMs = 20_000
/** How long an answer counts for further newcomers: they cost the agent that attends nothing. */
const answerHoldsMs = 2_000
/** Further ones than these are refused unasked. */
const newcomersMax = 8

export function openAttending({ clock, onChange, onMessage, onRefused }: AttendingOptions): Attending {
  const open = new Map<SiteName, Open>()
  const leftAtMs = new Map<SiteName, number>()
  const nowMs = () => clock.now().getTime()
  const startedAtMs = nowMs()

  function arrive(dialled: Dialled): void {
    const present = open.get(dialled.stream.caller.site)
    if (!present) admit(dialled)
    else if (dialled.hello.earlier.includes(present.hello.nonce)) replace(present, dialled, 'stale-round', 'again')
    else if (nowMs() - present.answeredAtMs < answerHoldsMs || present.newcomers.size >= newcomersMax)
      refuse(present, dialled)
    else ask(present, dialled)
  }

  function admit(dialled: Dialled): void {
    const { stream, hello } = dialled
    const { site, expiresAt } = stream.caller
    const expire = () => {
      const why = `the certificate of site ${site} has expired`
      if (open.get(site)?.stream === stream) leave(site, ['certificate-expired', why])
    }
    open.set(site, {
      ...dialled,
      sinceMs: nowMs(),
      cancelExpiry: clock.setTimer(expiresAt.getTime() - nowMs(), expire),
      newcomers: new Set(),
      cancelQuestion: () => {},
      answeredAtMs: Number.NEGATIVE_INFINITY,
      sent: new Set(),
    })
    stream.admit()
    onMessage(stream, hello)
    onChange(site)
  }

  /** Asks the agent that attends whether it is there, once for all who dial meanwhile. */
  function ask(present: Open, newcomer: Dialled): void {
    present.newcomers.add(newcomer)
    if (present.newcomers.size > 1) return
    present.cancelQuestion = clock.setTimer(answerMs, () => {
      const newest = [...present.newcomers].at(-1)
      if (newest) replace(present, newest, 'already-attending', 'elsewhere, and this agent did not answer')
    })
    present.stream.send({ type: 'ping' })
  }

  function answered(present: Open): void {
    present.cancelQuestion()
    present.answeredAtMs = nowMs()
    const newcomers = [...present.newcomers]
    present.newcomers.clear()
    for (const newcomer of newcomers) refuse(present, newcomer)
  }

  function refuse({ sinceMs }: Open, { stream }: Dialled): void {
    const { site } = stream.caller
    onRefused(site)
    stream.end('already-attending', alreadyAttending(site, new Date(sinceMs)))
  }

  function replace(present: Open, by: Dialled, code: 'stale-round' | 'already-attending', how: string): void {
    const { site } = present.stream.caller
    forget(present)
    present.newcomers.delete(by)
    present.stream.end(code, `site ${site} attends ${how}: this stream is replaced`)
    admit(by)
    for (const other of present.newcomers) arrive(other)
  }

  function forget(present: Open): void {
    const { site } = present.stream.caller
    present.cancelExpiry()
    present.cancelQuestion()
    open.delete(site)
    leftAtMs.set(site, nowMs())
  }

  /** The stream is no more; who waited for that comes in, the newest first. */
  function leave(site: SiteName, why?: Parameters<SiteStream['end']>): void {
    const present = open.get(site)
    if (!present) return
    forget(present)
    if (why) present.stream.end(...why)
    onChange(site)
    for (const newcomer of [...present.newcomers].reverse()) arrive(newcomer)
  }

  function end(site: SiteName, ...why: Parameters<SiteStream['end']>): void {
    const newcomers = [...(open.get(site)?.newcomers ?? [])]
    open.get(site)?.newcomers.clear()
    leave(site, why)
    for (const { stream } of newcomers) stream.end(...why)
  }

  return {
    attend(stream, hello) {
      const { site } = stream.caller
      const dialled = { stream, hello }
      arrive(dialled)
      return {
        receive(message) {
          const present = open.get(site)
          if (present?.stream !== stream) return
          if (message.type === 'pong') answered(present)
          else onMessage(stream, message)
        },
        closed() {
          const present = open.get(site)
          if (present?.stream === stream) leave(site)
          else if (present?.newcomers.delete(dialled) && present.newcomers.size === 0) present.cancelQuestion()
        },
      }
    },
    get sites() {
      return [...open.keys()]
    },
    isAttending: (site) => open.has(site),
    absentSinceMs: (site) => (open.has(site) ? undefined : (leftAtMs.get(site) ?? startedAtMs)),
    attendsSinceMs: (site) => open.get(site)?.sinceMs,
    pinned(site, sites) {
      const known = open.get(site)
      if (!known) return
      known.pins = new Map(sites.map((each) => [each.site, Buffer.from(each.publicKey).toString('base64')]))
      onChange(site)
    },
    pinsOf: (site) => open.get(site)?.pins,
    stoodOut(site, of) {
      const known = open.get(site)
      if (!known) return
      known.standsOut = of
      onChange(site)
    },
    standsOutOf: (site) => open.get(site)?.standsOut ?? [],
    deliver(site, outgoing) {
      const known = open.get(site)
      if (!known) return
      const { sent } = known
      // Only what is still due is remembered, so this does not grow with the rounds.
      known.sent = new Set(outgoing.map(({ key }) => key))
      for (const { key, message } of outgoing) {
        if (sent.has(key)) continue
        // Its policy may pin a site that is new in it: what it told before is out of date.
        if (message.type === 'roster') delete known.pins
        known.stream.send(message)
      }
    },
    end,
    stop() {
      for (const site of [...open.keys()]) end(site, 'cancelled', 'the coordinator stops')
    },
  }
}

function alreadyAttending(site: SiteName, since: Date): string {
  return `another agent with the identity of site ${site} attends since ${since.toISOString()} and answers, so this one is not admitted: stop one of the two, such as a copy of the machine or of the state folder. If nobody here runs the other, its owner has this site's keys: have the operator revoke the site, and join anew`
}
