/** A coordinator that says it was restored from an old copy, and shows another log of the federation from some entry on. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { leafHash, openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { federationStream, signHead } from '@consilium/protos/log/signed-head.ts'
import { type Recovery, signRecovery } from '@consilium/protos/recovery.ts'
import type { HostileFederation } from './federation.ts'

type ShownHead = Extract<ToSite, { readonly type: 'shown-head' }>

const at = '2026-11-22T10:00:00.000Z'

/** What it shows a site: `entries` true ones, then `others` made up, the first of which is said to be the recovery. */
export type OtherLog = {
  recovery(epoch: number, size?: number): Recovery
  shown(change?: Partial<Pick<ShownHead, 'recoveries' | 'consistency'>>): ShownHead
}

export async function otherLog(federation: HostileFederation, entries: number, others = 3): Promise<OtherLog> {
  const { identity } = federation
  const tree = openMerkleTree()
  for (const entry of (await federation.entries(federationStream)).slice(0, entries)) tree.append(entryLeaf(entry))
  for (let i = 0; i < others; i++) tree.append(leafHash(Buffer.from(`made up ${i}`)))
  const root = (size: number) => Buffer.from(tree.root(size)).toString('hex')
  const recovery = (epoch: number, size = entries) => signRecovery(identity, { epoch, size, root: root(size), at })
  const size = entries + others
  return {
    recovery,
    shown: (change) => ({
      type: 'shown-head',
      head: signHead(identity, { stream: federationStream, epoch: 2, size, root: root(size), at }),
      consistency: tree.consistency(entries, size),
      recoveries: [recovery(2)],
      ...change,
    }),
  }
}
