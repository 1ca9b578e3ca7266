/**
 * Consent: nothing runs for a study that this site has not approved. Keeps every study offered, approves by the site's
 * policy where the lead is named there, checks the site's data against an approved study, and tells the coordinator each
 * decision under the site's own signature: an approval once the data fit.
 */
import { type ErrorCode, errorCode, FederationError } from '@consilium/protos/errors.ts'
import { type Identity, sign } from '@consilium/protos/identity.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { hangsOnData } from '@consilium/protos/refusal-codes.ts'
import { breachTexts } from './breaches.ts'
import { judgeInPassing } from './judge.ts'
import type { Link } from './link/link.ts'
import type { Policy } from './policy.ts'
import { isCalledOff } from './round/called-off.ts'
import { refusalOf, refuse } from './round/refuse.ts'
import type { Site } from './round/site.ts'
import type { DataCheck } from './store/records.ts'
import type { Decision, KnownStudy, StudyStore } from './store/studies.ts'

export type Consent = {
  /** A study the coordinator has no decision on: kept, decided by policy if it can be, and the decision told. */
  offered(signedStudy: Uint8Array, signal: AbortSignal): Promise<void>
  /** Checks the data for every approved study that has had no good check since its approval. */
  checkApproved(signal: AbortSignal): Promise<void>
}

export function openConsent(options: {
  readonly site: Site
  readonly identity: Identity
  readonly readPolicy: () => Pick<Policy, 'approve' | 'rows'>
}): Consent {
  const { site, identity } = options
  const { studies } = site.store

  const checking = new Map<Sha256, Promise<boolean>>()

  /** Whether the data fit. Who asks while a check runs gets its answer. */
  function checkData(study: Sha256, signal: AbortSignal): Promise<boolean> {
    const check = checking.get(study) ?? startTrainer(study, signal)
    checking.set(study, check)
    return check
  }

  /** Starting the trainer is the check; it stays for the first round. */
  async function startTrainer(study: Sha256, signal: AbortSignal): Promise<boolean> {
    try {
      const { manifest } = studies.read(studies.find(study)!)
      await site.trainers.use({ hash: study, manifest }, signal, async () => undefined)
      checking.delete(study)
      return true
    } catch (error) {
      checking.delete(study)
      // Nothing was found out: the coordinator offers the study again when the line is back.
      if (errorCode(error) === 'link-down') site.emit({ type: 'trouble', ...refusalOf(error) })
      else if (!isCalledOff(error, signal)) refuse(site, { study }, error)
      return false
    }
  }

  async function tell(decision: Decision): Promise<void> {
    try {
      await site.link.decide(decisionMessage(identity, decision))
    } catch (error) {
      // The coordinator offers the study again when this site next attends, and is told then.
      site.emit({ type: 'trouble', ...refusalOf(error) })
    }
  }

  /** The last check since the decision; one from before it says nothing about the study as approved. */
  function checkSince(decision: Decision): DataCheck | undefined {
    const check = site.store.records.dataCheckOf(decision.study)
    return check && check.at >= decision.at ? check : undefined
  }

  /**
   * Whether the data do not fit, which is told once for a decision: data that changed by themselves would else be one more bit
   * of them each time. A person here asks again (`site-agent check`), or decides again.
   */
  async function toldUnfit(decision: Decision, signal: AbortSignal): Promise<boolean> {
    const check = checkSince(decision)
    if (check?.summary) return false
    if (check?.failure && hangsOnData(check.failure.code as ErrorCode)) return true
    return !(await checkData(decision.study, signal))
  }

  return {
    async offered(signedStudy, signal) {
      const { known } = studies.keep(signedStudy)
      const earlier = studies.decisionOn(known.hash)
      const decision = earlier?.lead === known.lead ? earlier : approveByPolicy(known, options.readPolicy(), site)
      if (!decision) return
      const approved = decision.decision === 'approved'
      // Told once the data fit: no round is planned with a site that would refuse it.
      if (approved && (await toldUnfit(decision, signal))) return
      await tell(decision)
    },
    async checkApproved(signal) {
      for (const { hash } of studies.list()) {
        const decision = studies.decisionOn(hash)
        if (decision?.decision === 'approved' && !signal.aborted) await toldUnfit(decision, signal)
      }
    },
  }
}

/** The decision as the coordinator is told it, signed over ("decision", study hash, word). */
export function decisionMessage(identity: Identity, decision: Decision): Parameters<Link['decide']>[0] {
  const word = decision.decision === 'approved' ? 'approve' : 'reject'
  const signature = sign(identity, 'decision', Buffer.from(decision.study, 'hex'), Buffer.from(word, 'utf8'))
  // A person's own words may go along; what a policy or a machine found stays here.
  const reason = decision.by === 'person' ? decision.reason : ''
  return { studyHash: decision.study, decision: word, reason, signature }
}

/** The one known study a person means by its name, its hash or the first 6 or more digits of it. */
export function findStudy(reference: string, studies: StudyStore): KnownStudy {
  const matches = studies
    .list()
    .filter(
      ({ name, hash }) => name === reference || (/^[0-9a-f]{6,64}$/.test(reference) && hash.startsWith(reference)),
    )
  if (matches.length === 1) return matches[0]!
  if (matches.length === 0)
    throw new FederationError('not-found', `no study here is called ${reference}: see site-agent study list`)
  const hashes = matches.map(({ hash }) => hash.slice(0, 12)).join(', ')
  throw new FederationError(
    'invalid-argument',
    `${matches.length} studies are called ${reference}: name one by its hash (${hashes})`,
  )
}

function approveByPolicy(
  known: KnownStudy,
  policy: Pick<Policy, 'approve' | 'rows'>,
  { store, emit, now }: Site,
): Decision | undefined {
  const { hash: study, name, lead } = known
  const isNamed = policy.approve.leads.includes(lead)
  const found = isNamed ? judgeInPassing({ ...store.studies.read(known), lead }, { store, policy }, now()) : []
  if (!isNamed || found.length > 0) {
    emit({ type: 'study-offered', study, name, lead, ...(found.length > 0 && { breaks: breachTexts(found) }) })
    return undefined
  }
  const reason = `policy.yaml approves studies of lead ${lead}`
  // A person who decides at the same moment is heard.
  const decision = store.studies.decideFirst({ study, decision: 'approved', lead, by: 'policy', account: '', reason })
  if (decision.by === 'policy') emit({ type: 'study-decided', study, name, decision: 'approved', by: 'policy' })
  return decision
}
