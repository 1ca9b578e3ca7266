/**
 * What a site says in a secure round, handed to its run as a command. Wide messages become objects first, and shares that
 * are revealed are compared with what their dealers committed to: `decide` can do neither.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { SecureFromSite, ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import type { RunProcess } from '../driving/run-process.ts'
import type { Parts } from '../parts.ts'
import { wrongShare } from './check-revealed.ts'

/** What is of no use to the round as it is now is left unread. */
export async function takeSecure(parts: Parts, site: SiteName, message: SecureFromSite): Promise<void> {
  const { planHash } = message
  const process = parts.findRun(planHash)
  if (!process) return
  switch (message.type) {
    case 'advertise': {
      const { body, signature } = message
      await process.command({ type: 'advertise-keys', planHash, site, body, signature })
      return parts.ledgersTold(site, [{ site, planHash, body, signature }])
    }
    case 'share-keys':
      return parts.inOrder(`${planHash}:${site}`, () => takeShareKeys(parts, process, site, message))
    case 'complaint': {
      const { against, reason, signature } = message
      return process.command({ type: 'complain', planHash, site, against, reason, signature })
    }
    case 'confirm':
      return process.command({ type: 'confirm-survivors', planHash, site, signature: message.signature })
    case 'unmask':
      return parts.inOrder(`${planHash}:${site}`, () => takeUnmask(parts, process, site, message))
    case 'verified':
    case 'sum-not-verified': {
      const { type: verdict, sums, made, signature } = message
      if (verdict === 'sum-not-verified') parts.log.warn({ site, planHash }, 'a site found the sum of a round wrong')
      return process.command({ type: 'judge-sum', planHash, site, verdict, sums, made, signature })
    }
  }
}

/** An object is kept only for a site that is waited for, so that no site can fill the disk. */
async function takeShareKeys(parts: Parts, process: RunProcess, site: SiteName, message: ShareKeysMessage) {
  const { planHash } = message
  const round = process.run.current
  if (round?.phase !== 'share-keys' || round.planHash !== planHash) return
  const { advertisers, shared } = round.session
  if (!advertisers.includes(site) || shared.has(site) || round.dropouts.some((dropped) => dropped.site === site)) return
  const object = await parts.messages.put(message)
  await process.command({ type: 'share-keys', planHash, site, message, object })
}

async function takeUnmask(parts: Parts, process: RunProcess, site: SiteName, message: Unmask) {
  const { planHash } = message
  const round = process.run.current
  if (round?.phase !== 'unmask' || round.planHash !== planHash) return
  const { session } = round
  if (!session.survivors.includes(site) || session.revealed.has(site)) return
  const dealer = await wrongShare(session, site, message, parts.messages)
  if (dealer !== undefined) {
    const reason = `shares-invalid: its share of ${dealer} is not the one that ${dealer} committed to`
    parts.log.warn({ site, planHash, dealer }, 'a site revealed a wrong share')
    return process.command({ type: 'misbehave', planHash, site, reason })
  }
  const object = await parts.messages.put(message)
  await process.command({ type: 'reveal-shares', planHash, site, message, object })
}
