/** Token buckets: how often a peer may knock, and all peers together. */
import type { Clock } from '@consilium/protos/clock.ts'

/** `burst` takings at once, then `perSecond` of them. */
export type Rate = { readonly burst: number; readonly perSecond: number }

export type TokenBucket = { take(): boolean; isFull(): boolean }

export function tokenBucket({ burst, perSecond }: Rate, clock: Clock): TokenBucket {
  let tokens = burst
  let at = clock.now().getTime()
  const refill = () => {
    const now = clock.now().getTime()
    tokens = Math.min(burst, tokens + (Math.max(now - at, 0) / 1000) * perSecond)
    at = now
  }
  return {
    take() {
      refill()
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
    isFull() {
      refill()
      return tokens >= burst
    },
  }
}

/** One bucket per peer and one for all. Memory is bounded: beyond `peersMax` peers, those that kept quiet are forgotten. */
export function peerBuckets(perPeer: Rate, overall: Rate, clock: Clock, peersMax = 10_000): (peer: string) => boolean {
  const all = tokenBucket(overall, clock)
  const peers = new Map<string, TokenBucket>()
  return (peer) => {
    if (peers.size >= peersMax) for (const [name, bucket] of peers) if (bucket.isFull()) peers.delete(name)
    // With every place taken by a busy peer, a new one counts against the common bucket alone.
    const bucket = peers.get(peer) ?? tokenBucket(perPeer, clock)
    if (peers.size < peersMax) peers.set(peer, bucket)
    return bucket.take() && all.take()
  }
}
