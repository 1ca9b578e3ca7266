/** How a site refuses: whole here, for its own people, and one code to the coordinator. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import { reasonCharactersMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { refusalCodeOf } from '@consilium/protos/refusal-codes.ts'
import { faultOf } from '../fault.ts'
import type { Link } from '../link/link.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { AgentEvent } from './events.ts'

type Refusing = {
  readonly store: Pick<SiteStore, 'records'>
  readonly link: Pick<Link, 'send'>
  readonly emit: (event: AgentEvent) => void
}

/** Code and reason of an error as people here read them. */
export function refusalOf(error: unknown): { readonly code: ErrorCode; readonly reason: string } {
  const { code, message } = faultOf(error)
  return { code, reason: message.slice(0, reasonCharactersMax).toWellFormed() }
}

/** What the others wait for does not hang on whether this site can write it down. */
export function orTell(site: Pick<Refusing, 'emit'>, body: () => void): void {
  try {
    body()
  } catch (error) {
    site.emit({ type: 'trouble', ...refusalOf(error) })
  }
}

/**
 * Keeps the refusal whole and tells the listener; while the link is up the coordinator is told a code, and no more. What is
 * refused is a round where `planHash` is given, else the study; a message that names neither cannot be answered.
 */
export function refuse(
  site: Refusing,
  about: { readonly planHash?: Sha256; readonly study?: Sha256 },
  error: unknown,
): void {
  const { code, reason } = refusalOf(error)
  const { planHash, study } = about
  orTell(site, () => site.store.records.refused({ planHash: planHash ?? '', study: study ?? '', code, reason }))
  site.emit({ type: 'refused', code, reason, ...(planHash && { planHash }), ...(study && { study }) })
  const refused = planHash ? { planHash } : { studyHash: study ?? '' }
  if (planHash || study) site.link.send({ type: 'refusal', code: refusalCodeOf(code), ...refused }, study ?? '')
}
