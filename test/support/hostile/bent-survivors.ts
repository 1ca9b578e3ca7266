/** Survivors as the coordinator likes: check S5 ends them. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { type Scene, shownTo } from './attacks.ts'

type Survivors = Extract<ToSite, { type: 'survivors' }>

export function change(message: Survivors, index: number, changes: Partial<Survivors['survivors'][number]>): Survivors {
  const survivors = message.survivors.map((survivor) =>
    survivor.index === index ? { ...survivor, ...changes } : survivor,
  )
  return { ...message, survivors }
}

/** The shares that the site was told, as if one sharer had not been. */
export function withoutSharer(index: number, { federation: { recorded }, site }: Scene): ToSite {
  const told = recorded.told.findLast((one) => one.site === site && one.message.type === 'shares')!
  const { sharers, received, ...shares } = told.message as Extract<ToSite, { type: 'shares' }>
  const isOther = (one: { readonly index: number }) => one.index !== index
  return { ...shares, sharers: sharers.filter(isOther), received: received.filter(isOther) }
}

/** Another upload of this site in the place of its own, as the site itself would sign it. */
export function withRoot(message: Survivors, index: number, at: Scene): Survivors {
  const { sid, u2Hash } = shownTo(at)
  const root = new Uint8Array(32).fill(1)
  const signature = signMessage(at.identity(at.plan.cohort[index - 1]!), inputMessage(sid, u2Hash, index, root))
  return change(message, index, { root, signature })
}
