/** How many survivors must have given more than zeros before anybody makes something of their sum (fedsum, section E.1). */
import { FederationError } from '../errors.ts'
import type { HeaderSum } from '../secagg/header.ts'
import { sitesOfSession } from '../secagg/thresholds.ts'

/** With fewer the sum is nearly one site's. Throws `too-few-contributors`. */
export function assertEnoughContribute(
  { contributors, survivors }: Pick<HeaderSum, 'contributors' | 'survivors'>,
  plan: { readonly survivorsMin: number; readonly colluders: number },
): void {
  const least = sitesOfSession(plan)
  if (contributors < least)
    throw new FederationError(
      'too-few-contributors',
      `${contributors} of ${survivors} sites contributed to a sum and ${least} have to: each site knows whether it did, and why not`,
    )
}
