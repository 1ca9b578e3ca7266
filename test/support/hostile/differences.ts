/** What the evaluations in a log tell: their sums, and what is left of one without others. */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import { makeStudy } from '../coordinator-fixture.ts'
import { madeUpEvaluation } from '../made-up-trainer.ts'
import { type HostileFederation, siteNames } from './federation.ts'

/** Test rows, and how many of them the model got right. */
export type Evaluated = { readonly examples: number; readonly correct: number }

type Committed = { readonly result: { readonly purpose: string; readonly examples: number; readonly accuracy: number } }

/** Those of the run, in their order. */
export async function evaluationsIn({ entries }: HostileFederation, run: RunId): Promise<Evaluated[]> {
  const results = (await entries(runStream(run))).flatMap(({ type, body }) =>
    type === 'round-committed' ? [(body as unknown as Committed).result] : [],
  )
  return results.flatMap(({ purpose, examples, accuracy }) =>
    purpose === 'evaluate' ? [{ examples, correct: Math.round(accuracy * examples) }] : [],
  )
}

export function less(all: Evaluated | undefined, ...others: readonly (Evaluated | undefined)[]): Evaluated {
  return others.reduce<Evaluated>(
    (rest, each) => ({ examples: rest.examples - each!.examples, correct: rest.correct - each!.correct }),
    all!,
  )
}

/** What the site with this place among `names` adds. */
export function evaluatedAt(site: SiteName, names: readonly SiteName[] = siteNames): Evaluated {
  const { examples, correct } = madeUpEvaluation(names.indexOf(site), makeStudy().manifest)
  return { examples, correct }
}
