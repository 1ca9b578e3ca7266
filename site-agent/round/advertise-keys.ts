/**
 * Advertise keys, at the site (fedsum, section A.3: message 1): fresh X25519 keys of this session, signed with the site's
 * identity and bound to the plan, its model and the ledger of this site's sessions. They are journaled before they leave,
 * and asked for again they are the same. Those of a further attempt say that this site revealed nothing for the one before,
 * and from then on it never does.
 */
import { randomBytes } from 'node:crypto'
import { attemptOf } from '@consilium/protos/plan/attempts.ts'
import { generateAgreementKeys } from '@consilium/protos/secagg/keys.ts'
import type { Advertise } from '@consilium/protos/secagg/messages.ts'
import type { LedgerPosition } from '@consilium/protos/secagg/session-ledger.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { findSession, type SessionState, sealState, secureCohort } from './session.ts'
import type { Site } from './site.ts'

export function advertiseKeys(
  assignment: Assignment,
  site: Pick<Site, 'name' | 'identity' | 'store' | 'emit'>,
): Advertise {
  const { planHash, plan } = assignment
  const begun = findSession(planHash, site)
  if (begun) return begun.state.advertise
  const ledger = site.store.sessionLedger.next(planHash)
  const state = newSession(assignment, ledger, site)
  const { run, round, purpose, model } = plan
  const session = { planHash, run, round, purpose, model, attempt: attemptOf(plan) }
  site.store.sessions.advertise(session, ledger, sealState(state, planHash, site))
  site.emit({ type: 'keys-advertised', ...inRound(planHash, plan) })
  return state.advertise
}

function newSession(
  assignment: Assignment,
  ledger: LedgerPosition,
  { name, identity }: Pick<Site, 'name' | 'identity'>,
): SessionState {
  const { planHash, plan } = assignment
  const { index } = secureCohort(assignment, name)
  const [channel, mask] = [generateAgreementKeys(), generateAgreementKeys()]
  const body = advertisedBody({
    index,
    channelKey: channel.publicKey,
    maskKey: mask.publicKey,
    nonce: randomBytes(16),
    modelHash: Buffer.from(plan.model, 'hex'),
    ledger,
    ...(plan.attempt && {
      previousAttempt: { planHash: Buffer.from(plan.attempt.after, 'hex'), released: false },
    }),
  })
  const signature = signMessage(identity, advertiseMessage(Buffer.from(planHash, 'hex'), name, body))
  const secrets = {
    channelSecretKey: channel.secretKey,
    maskSecretKey: mask.secretKey,
    selfSeed: randomBytes(32),
    group: randomBytes(32),
  }
  return { secrets, advertise: { type: 'advertise', planHash, body, signature } }
}
