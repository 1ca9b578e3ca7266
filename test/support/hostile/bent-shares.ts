/** Sharers and shares that are not as they were sent: checks S3 and S4 end them. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { Lie } from './attacks.ts'

type Shares = Extract<ToSite, { type: 'shares' }>

export function bentShares(bend: (shares: Shares) => Shares): Lie<'shares'> {
  return { code: 'shares-invalid', lie: (shares) => [bend(shares)] }
}

/** As if only these had shared their keys. */
export function only(shares: Shares, indices: readonly number[]): Shares {
  const isMeant = ({ index }: { readonly index: number }) => indices.includes(index)
  return { ...shares, sharers: shares.sharers.filter(isMeant), received: shares.received.filter(isMeant) }
}

export function change(shares: Shares, index: number, changes: Partial<Shares['sharers'][number]>): Shares {
  return {
    ...shares,
    sharers: shares.sharers.map((sharer) => (sharer.index === index ? { ...sharer, ...changes } : sharer)),
  }
}
