/** What every phase of a round is given at a site: its name, the pinned coordinator, store, link, trainers, clock, listener. */
import type { Identity } from '@consilium/protos/identity.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import type { Link } from '../link/link.ts'
import type { Policy } from '../policy.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { AgentEvent } from './events.ts'
import type { FetchObject } from './fetch-object.ts'
import type { Trainers } from './trainers.ts'

export type Site = {
  readonly name: SiteName
  /** Signs every message of a secure round; what is kept of one is sealed with keys that follow from its seed. */
  readonly identity: Identity
  /** What split, order and rounding are drawn from; 32 bytes that stay here. */
  readonly secret: Uint8Array
  /** Ed25519 key pinned when the site joined, or handed on since by its holder; 32 bytes. Read anew for every plan. */
  readonly coordinatorPublicKey: Uint8Array
  readonly store: SiteStore
  readonly link: Link
  readonly fetchObject: FetchObject
  readonly trainers: Trainers
  readonly maskThreads: MaskThreads
  /** As it stands in `policy.yaml` now. */
  readonly readPolicy: () => Policy
  readonly now: () => Date
  readonly emit: (event: AgentEvent) => void
}
