/**
 * Replay, at the site (fedsum, section E.3): where the survivors' uploads are short, the committed sum is made again from
 * them. Tags hold against a coordinator alone; this holds also where a site of the round works with it.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { isReplayed, type Replay, replaySum } from '@consilium/protos/secagg/replay.ts'
import type { Assignment } from './assignment.ts'
import type { Session } from './session.ts'
import { knownDirectory } from './share-keys.ts'

/** Throws `sum-not-verified` where these are not the words that the uploads add up to, or what they are made of is kept back. */
export function checkReplay(
  words: Uint8Array,
  replay: Replay | undefined,
  { record, state }: Session,
  assignment: Assignment,
  name: string,
): void {
  const { vectors } = assignment.plan.secure!
  const { directory, sharers, survivors } = state
  if (!directory || !sharers || !survivors)
    throw new FederationError('session-lost', 'this site has confirmed no survivors of this round')
  if (!isReplayed(vectors, survivors.length)) return
  if (!replay)
    throw new FederationError('sum-not-verified', 'the sum of this round came without the uploads that it is made of')
  const { sid, advertised } = knownDirectory(directory, assignment, name)
  const maskKeyOf = (index: number) => advertised.get(index)!.maskKey
  const alive = new Set(survivors.map(({ index }) => index))
  const sum = replaySum(
    {
      sid,
      vectors,
      u2Hash: Buffer.from(record.u2Hash, 'hex'),
      survivors: survivors.map(({ index, root }) => ({ index, root, maskKey: maskKeyOf(index) })),
      dropouts: sharers.flatMap(({ index }) => (alive.has(index) ? [] : [{ index, maskKey: maskKeyOf(index) }])),
    },
    replay,
  )
  if (Buffer.compare(sum, words) !== 0)
    throw new FederationError(
      'sum-not-verified',
      'the uploads of the survivors add up to another sum than the coordinator committed: it lies, or a site lies with it',
    )
}
