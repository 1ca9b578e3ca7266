/**
 * Whom the statistics and evaluations of a run are among, as an auditor follows it (fedsum, section E.4): one set for each
 * purpose, and another one only by a change that the study's lead signed and every site of the new set went along with.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import {
  checkPartnerChange,
  isSameSet,
  type PartnerPurpose,
  type PartnerWord,
  type ReadPartnerChange,
  verifyPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import type { ReadStudy } from '@consilium/protos/plan/signed-study.ts'
import { type ChangeRecord, changeRecord, signedOf } from '../federation/change-record.ts'
import type { FederationAudit, PartnerEvent } from './federation-audit.ts'
import { fromBase64, require } from './refuse.ts'

type Federation = Pick<FederationAudit, 'partnerEvents' | 'identityOf'>

/** Throws `log-broken` where sums among `before` are followed by one among `after` without such changes. */
export function checkPartnersFollow(
  { purpose, before, after }: { purpose: PartnerPurpose; before: readonly SiteName[]; after: readonly SiteName[] },
  study: ReadStudy,
  federation: Federation,
): void {
  const events = federation.partnerEvents(study.hash)
  const reached = [before]
  for (const event of events) {
    if (event.type !== 'partners-changed') continue
    const record = changeRecord(event)
    const set = record.change.sets.find((each) => each.purpose === purpose)
    if (!set || record.change.restored || !reached.some((sites) => isSameSet(sites, set.before))) continue
    if (isSigned(record, study) && isAgreed(record.change, events, federation)) reached.push(set.after)
  }
  require(reached.some((sites) =>
    isSameSet(sites, after),
  ), `its sum is among ${after.join(', ')}, those before it were among ${before.join(', ')}, and no change that the lead and these sites signed leads there`)
}

function isSigned(record: ChangeRecord, { lead }: ReadStudy): boolean {
  try {
    checkPartnerChange(signedOf(record), fromBase64(lead))
    return true
  } catch {
    return false
  }
}

/** Every site that the change leaves in a set signed it, with the key that the auditor's roster names. */
function isAgreed(
  { hash, sets }: ReadPartnerChange,
  events: readonly PartnerEvent[],
  { identityOf }: Federation,
): boolean {
  const due = [...new Set(sets.flatMap(({ after }) => after))]
  return due.every((site) =>
    events.some((event) => {
      if (event.type !== 'partners-said' || event.site !== site || event.change !== hash) return false
      const { type: _, at: __, site: ___, signature, ...said } = event
      return verifyPartnerWord({ ...said, signature: fromBase64(signature) } as PartnerWord, identityOf(site))
    }),
  )
}
