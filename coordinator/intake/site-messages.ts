/** What a site says on its control stream, handed to the run it is about. Nothing a site says can break a run. */
import { errorMessage } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { refusalText } from '@consilium/protos/refusal-codes.ts'
import { roundOver } from '../attending/messages.ts'
import { refuseStudy } from '../federation/consent.ts'
import type { Parts } from '../parts.ts'
import type { FromSite, SiteStream } from '../services.ts'
import { takeSecure } from './take-secure.ts'

export function receive(parts: Parts, from: SiteStream, message: FromSite): void {
  const { site } = from.caller
  take(parts, from, message).catch((error) =>
    parts.log.warn({ site, message: message.type, error: errorMessage(error) }, 'a message of a site was not taken'),
  )
}

async function take(parts: Parts, from: SiteStream, message: FromSite): Promise<void> {
  const { site } = from.caller
  switch (message.type) {
    case 'hello':
      parts.log.info({ site, agentVersion: message.agentVersion }, 'a site attends')
      return
    case 'progress':
      return takeProgress(parts, from, message)
    case 'work-done':
      return takeWorkDone(parts, from, message.planHash)
    case 'pinned':
      return parts.attending.pinned(site, message.sites)
    case 'stands-out':
      return parts.attending.stoodOut(site, message.of)
    case 'known-ledgers':
      return parts.ledgersTold(site, message.ledgers)
    case 'known-heads':
      return parts.headsTold(site, message)
    case 'advertise':
    case 'share-keys':
    case 'complaint':
    case 'confirm':
    case 'unmask':
    case 'verified':
    case 'sum-not-verified':
      return takeSecure(parts, site, message)
    case 'refusal': {
      const reason = refusalText(message.code)
      if (message.planHash !== undefined) {
        const { planHash } = message
        await parts.findRun(planHash)?.command({
          ...{ type: 'refuse-work', planHash, site, reason },
          ...(message.code === 'peer-restored' && {
            cause: message.code,
            reason: 'a site that this one shares masks with was restored from an old copy',
          }),
        })
      } else if (message.studyHash !== undefined) {
        const { studyHash } = message
        const now = parts.clock.now()
        const events = await parts.stream.change((state) => refuseStudy(state, site, studyHash, reason, now))
        if (events.length > 0) parts.federationChanged()
      }
    }
  }
}

function takeProgress(parts: Parts, from: SiteStream, message: Extract<FromSite, { type: 'progress' }>): void {
  const { planHash, quarters } = message
  const process = parts.findRun(planHash)
  const round = process?.run.current
  if (!process || round?.phase !== 'work' || round.planHash !== planHash || !round.cohort.includes(from.caller.site))
    return
  process.progress.worked(planHash, from.caller.site, quarters, parts.clock.now().getTime())
  process.moved()
}

async function takeWorkDone(parts: Parts, from: SiteStream, planHash: Sha256): Promise<void> {
  const { site } = from.caller
  const process = parts.findRun(planHash)
  const past = process?.pastRound(planHash)
  if (process && !past) return process.command({ type: 'finish-work', planHash, site })
  // The site was away when the round ended, or the coordinator lost its log: either way it can stop keeping the work.
  const over = past && roundOver(past, site)[0]
  const reason = 'this coordinator knows no such plan'
  from.send(over?.message ?? { type: 'round-over', planHash, outcome: 'failed', reason })
}
