/** What a study breaks of this site's policy, shown to whoever approves it, and accepted by typing the name of each rule. */
import { FederationError } from '@consilium/protos/errors.ts'
import { type Breach, breachTexts, open } from '../breaches.ts'
import { type Rule, rules } from '../policy.ts'
import type { Invocation } from './command.ts'

/** Rules named with `--accept`; throws `invalid-argument` for a name that is none. */
export function readAccepted(text: string | undefined): readonly Rule[] {
  const names = namesIn(text ?? '')
  const unknown = names.find((name) => !isRule(name))
  if (unknown !== undefined)
    throw new FederationError('invalid-argument', `no rule is called ${unknown}: --accept takes ${rules.join(', ')}`)
  return names.filter(isRule)
}

/** Every rule that is accepted in the end; throws `cancelled` or `policy-refused`, and nothing is decided, where one is not. */
export async function acceptBreaches(
  { alarm, ask }: Pick<Invocation<unknown>, 'alarm' | 'ask'>,
  found: readonly Breach[],
  accepted: readonly Rule[],
): Promise<readonly Rule[]> {
  const left = open(found, accepted)
  if (left.length === 0) return accepted
  const names = left.map(({ rule }) => rule)
  if (!ask)
    throw new FederationError(
      'policy-refused',
      `the study breaks rules of this site's policy, and nothing is decided (${breachTexts(left)}): read site-agent study show, then accept each by its name, --accept ${[...accepted, ...names].join(',')}`,
    )
  for (const { rule, text } of left) alarm(`It breaks the rule ${rule} of this site's policy: ${text}.`)
  const typed = namesIn(await ask(`Type ${names.join(' ')} to approve it all the same: `))
  if (names.every((name) => typed.includes(name))) return [...accepted, ...names]
  throw new FederationError('cancelled', 'the study was not approved; nothing is decided')
}

function namesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((name) => name !== '')
}

function isRule(name: string): name is Rule {
  return (rules as readonly string[]).includes(name)
}
