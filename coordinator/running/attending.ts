/**
 * The sites that hold a control stream open: one stream a site, the newest. It ends with its certificate, and what a site
 * should have been told is worked out from the state, so that a new stream is told all of it again.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { FromSite, SiteStream, StreamListener, ToSite } from '../services.ts'

/** A message that a stream gets once; `key` tells it from others. `message` is read only when it is sent. */
export type Outgoing = { readonly key: string; readonly message: ToSite }

export type Attending = {
  attend(stream: SiteStream): StreamListener
  readonly sites: readonly SiteName[]
  isAttending(site: SiteName): boolean
  /** Since when the site is away, epoch milliseconds; undefined while it attends. */
  absentSinceMs(site: SiteName): number | undefined
  /** The site told whose identities it has pinned. It counts for as long as its stream is open. */
  pinned(site: SiteName, sites: readonly RosterSite[]): void
  /** Their keys, base64; undefined while the site is away, and until it has answered the newest roster. */
  pinsOf(site: SiteName): ReadonlyMap<SiteName, string> | undefined
  /** Sends those of `outgoing` that this stream of the site has not had, in order. */
  deliver(site: SiteName, outgoing: readonly Outgoing[]): void
  end(site: SiteName, ...why: Parameters<SiteStream['end']>): void
  stop(): void
}

export type AttendingOptions = {
  readonly clock: Clock
  /** A site came or went, or told what it pinned. */
  readonly onChange: (site: SiteName) => void
  readonly onMessage: (stream: SiteStream, message: FromSite) => void
}

type Open = {
  readonly stream: SiteStream
  readonly cancelExpiry: () => void
  sent: Set<string>
  pins?: ReadonlyMap<SiteName, string>
}

export function openAttending({ clock, onChange, onMessage }: AttendingOptions): Attending {
  const open = new Map<SiteName, Open>()
  const leftAtMs = new Map<SiteName, number>()
  const startedAtMs = clock.now().getTime()

  /** Forgets the stream, if it is still the site's. */
  function forget(stream: SiteStream): boolean {
    const { site } = stream.caller
    const known = open.get(site)
    if (known?.stream !== stream) return false
    known.cancelExpiry()
    open.delete(site)
    leftAtMs.set(site, clock.now().getTime())
    return true
  }

  function end(site: SiteName, ...why: Parameters<SiteStream['end']>): void {
    const known = open.get(site)
    if (!known) return
    forget(known.stream)
    known.stream.end(...why)
    onChange(site)
  }

  return {
    attend(stream) {
      const { site, expiresAt } = stream.caller
      const older = open.get(site)
      if (older) {
        forget(older.stream)
        older.stream.end('stale-round', `site ${site} attends anew: this stream is replaced`)
      }
      const leftMs = expiresAt.getTime() - clock.now().getTime()
      const cancelExpiry = clock.setTimer(leftMs, () =>
        end(site, 'certificate-expired', `the certificate of site ${site} has expired`),
      )
      open.set(site, { stream, cancelExpiry, sent: new Set() })
      onChange(site)
      return {
        receive(message) {
          if (open.get(site)?.stream === stream) onMessage(stream, message)
        },
        closed() {
          if (forget(stream)) onChange(site)
        },
      }
    },
    get sites() {
      return [...open.keys()]
    },
    isAttending: (site) => open.has(site),
    absentSinceMs: (site) => (open.has(site) ? undefined : (leftAtMs.get(site) ?? startedAtMs)),
    pinned(site, sites) {
      const known = open.get(site)
      if (!known) return
      known.pins = new Map(sites.map((each) => [each.site, Buffer.from(each.publicKey).toString('base64')]))
      onChange(site)
    },
    pinsOf: (site) => open.get(site)?.pins,
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
