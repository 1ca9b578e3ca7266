/** Everything that a hostile coordinator ever had of a federation, kept in the order in which it came. */
import type { FromSite, ToSite } from '@consilium/coordinator/services.ts'
import type { EventLog } from '@consilium/coordinator/store/event-log.ts'
import type { ObjectStore } from '@consilium/coordinator/store/object-store.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, roundPlanSchema, type SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'

export type Told = { readonly site: SiteName; readonly message: ToSite }
export type Heard = { readonly site: SiteName; readonly message: FromSite }
/** One upload as the site announced it, and what came of it. `planHash` is that of the plan the site was given. */
export type Uploaded = {
  readonly site: SiteName
  readonly planHash: Sha256
  readonly masked: MaskedInput
  bytes: Buffer
}

export type Recorded = {
  /** As the sites got it. */
  readonly told: Told[]
  /** As the sites sent it. */
  readonly heard: Heard[]
  readonly uploads: Uploaded[]
  /** All that was put or staged, dropped since or not, by a name of its own. */
  readonly stored: Map<string, Buffer>
}

export function emptyRecord(): Recorded {
  return { told: [], heard: [], uploads: [], stored: new Map() }
}

/** Every secure plan that some site was given, forged ones too, by its hash. */
export function plansOf({ told }: Pick<Recorded, 'told'>): Map<Sha256, RoundPlan> {
  const plans = told.flatMap(({ message }) => {
    if (message.type !== 'assignment') return []
    const { success, data: plan } = roundPlanSchema.safeParse(
      JSON.parse(Buffer.from(message.plan.bytes).toString('utf8')),
    )
    return success && plan.secure ? [[planHash(plan), plan] as const] : []
  })
  return new Map(plans)
}

export function planIn({ bytes }: SignedRoundPlan): RoundPlan {
  return roundPlanSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
}

/** The store, and a copy of every byte that it was ever given. */
export function keepingObjects(objects: ObjectStore, { stored }: Recorded): ObjectStore {
  return {
    ...objects,
    async put(bytes) {
      stored.set(`object ${stored.size}`, Buffer.from(bytes))
      return objects.put(bytes)
    },
    async putStream(chunks) {
      const pieces: Uint8Array[] = []
      for await (const chunk of chunks) pieces.push(Uint8Array.from(chunk))
      stored.set(`object ${stored.size}`, Buffer.concat(pieces))
      return objects.putStream(each(pieces))
    },
    async stage(id, offset, bytes) {
      const key = offset === 0 ? `staged ${id} ${stored.size}` : lastOf(stored, `staged ${id} `)
      stored.set(key, Buffer.concat([stored.get(key) ?? Buffer.alloc(0), bytes]))
      return objects.stage(id, offset, bytes)
    },
  }
}

/** The log, which calls `onAppend` once entries stand in it. */
export function tellingLog(log: EventLog, onAppend: () => void): EventLog {
  return {
    ...log,
    async append(...of) {
      const entries = await log.append(...of)
      onAppend()
      return entries
    },
  }
}

/** Chunks of an upload passed on, and kept under what the site signed. */
export function keepingChunks(
  { uploads }: Recorded,
  announced: Omit<Uploaded, 'bytes'>,
  offset: number,
  chunks: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const isSame = ({ site, planHash: plan, masked }: Uploaded) =>
    site === announced.site && plan === announced.planHash && Buffer.compare(masked.root, announced.masked.root) === 0
  const kept: Uploaded = uploads.find(isSame) ?? { ...announced, bytes: Buffer.alloc(0) }
  if (!uploads.includes(kept)) uploads.push(kept)
  return keepEach(kept, offset, chunks)
}

async function* keepEach(
  kept: Uploaded,
  offset: number,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let at = offset
  for await (const chunk of chunks) {
    if (at === kept.bytes.length) kept.bytes = Buffer.concat([kept.bytes, chunk])
    at += chunk.length
    yield chunk
  }
}

function lastOf(stored: ReadonlyMap<string, Buffer>, prefix: string): string {
  return [...stored.keys()].findLast((key) => key.startsWith(prefix)) ?? `${prefix}0`
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values
}
