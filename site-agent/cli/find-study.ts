/** The study a command names, and telling the coordinator what was decided on it. */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { reasonCharactersMax } from '@consilium/protos/limits.ts'
import { decisionMessage, findStudy } from '../consent.ts'
import { tellWords } from '../partner-changes.ts'
import { readPolicy } from '../policy.ts'
import { stoodOutOf } from '../stood-out.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { Decision, KnownStudy } from '../store/studies.ts'
import type { Invocation } from './command.ts'
import { openConnected, refreshStudies } from './with-store.ts'

/** Asks the coordinator where it is not known here. */
export async function findOrFetch(
  invocation: Invocation<unknown>,
  store: SiteStore,
  reference: string,
): Promise<KnownStudy> {
  const isKnown = store.studies.list().some(({ name, hash }) => name === reference || hash.startsWith(reference))
  if (!isKnown) await refreshStudies(invocation, store)
  return findStudy(reference, store.studies)
}

/** Throws `invalid-argument` for a reason that is longer than a message may have. */
export function checkReason(reason: string): void {
  if (reason.length > reasonCharactersMax)
    throw new FederationError('invalid-argument', `a reason has at most ${reasonCharactersMax} characters`)
}

/**
 * Tells a decision, if there is one, what this site takes no part in where a person here just changed that, and all that was
 * said of partners. Undefined once the coordinator knows, else why not. */
export async function tell(
  invocation: Invocation<unknown>,
  store: SiteStore,
  { decision, isStanding = false }: { readonly decision?: Decision; readonly isStanding?: boolean } = {},
): Promise<string | undefined> {
  const { link, identity } = openConnected(invocation, store)
  try {
    if (decision) await link.decide(decisionMessage(identity, decision))
    const here = { name: link.site, store, readPolicy: () => readPolicy(invocation) }
    if (isStanding) await link.standOut(stoodOutOf(here))
    await tellWords({ identity, store, link })
    return undefined
  } catch (error) {
    if (error instanceof FederationError && error.code === 'link-down') return errorMessage(error)
    throw error
  } finally {
    await link.close()
  }
}

/** What a command prints where the coordinator was not there. */
export function untoldText(why: string | undefined): string {
  return why === undefined
    ? ''
    : `The coordinator could not be told yet; the agent tells it when it next attends. ${why}\n`
}
