/** `site-agent check`: whether this site's data fit a study, before any round: counts and remarks, never a value. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { fields, printable } from '@consilium/protos/plain-text.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Command } from 'commander'
import { decisionMessage, findStudy } from '../consent.ts'
import { studyKeys } from '../data/study-keys.ts'
import { checkRows } from '../judge.ts'
import type { Link } from '../link/link.ts'
import { readPolicy } from '../policy.ts'
import type { NamedStudy } from '../round/assignment.ts'
import { graphOf, type WantedObject } from '../round/fetch-object.ts'
import { refusalOf } from '../round/refuse.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { DataSummary } from '../train/trainer.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { trialBytesMax, trialOf, trialZeroShare } from './trial.ts'
import { openConnected, refreshStudies, withStore } from './with-store.ts'

export function addCheckCommand(root: Command, context: CommandContext): void {
  root
    .command('check')
    .description(
      'Checks the data that site.yaml maps against a study: counts and remarks, never a value. No data leave.',
    )
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .addHelpText('after', examples('site-agent check heart-disease'))
    .action(
      action(context, (invocation) =>
        withStore(invocation, async (store) => {
          const [reference = ''] = invocation.args
          if (store.studies.list().length === 0) await refreshStudies(invocation, store)
          const known = findStudy(reference, store.studies)
          const { hash, name } = known
          const summary = await check(invocation, store, hash, store.studies.read(known).manifest)
          invocation.print({ study: name, hash, ...summary }, () =>
            [
              fields([
                ['training rows', String(summary.trainRows)],
                ['test rows', String(summary.testRows)],
                ...(summary.patients === undefined
                  ? []
                  : ([['patients in training', String(summary.patients)]] as const)),
                ['left out', String(summary.droppedRows)],
                ...(summary.zeroShare === undefined
                  ? []
                  : ([['zero in a trial update', `${Math.round(100 * summary.zeroShare)} %`]] as const)),
              ]),
              ...summary.remarks.map((remark) => `${printable(remark)}\n`),
              `The data fit study ${name}.\n`,
            ].join(''),
          )
        }),
      ),
    )
}

async function check(invocation: Invocation<unknown>, store: SiteStore, study: string, manifest: StudyManifest) {
  const { startTrainer } = await import('../train/start-trainer.ts')
  const { siteConfigPath } = invocation
  const { link, identity, secret } = openConnected(invocation, store)
  const earlier = store.records.dataCheckOf(study)
  let found: DataSummary | undefined
  try {
    const graph =
      store.objects.read(manifest.graph.sha256) ??
      (await fetchAside(invocation, link, graphOf({ hash: study, manifest })))
    const trainer = await startTrainer({
      keys: studyKeys(secret, study, manifest.study),
      siteConfigPath,
      manifest: trialOf(manifest),
      graph,
      signal: invocation.interrupted,
    })
    const start = await startOfTrial(invocation, store, link, { hash: study, manifest })
    const zeroShare = start && (await trialZeroShare(trainer, manifest, start, invocation.interrupted))
    await trainer.stop()
    found = { ...trainer.data, ...(zeroShare !== undefined && { zeroShare }) }
    checkRows({ hash: study, manifest }, found, { store, policy: readPolicy(invocation) })
    store.records.dataChecked({ study, summary: found })
    const decision = store.studies.decisionOn(study)
    // The coordinator leaves a site out whose data did not fit, until it hears the approval again.
    if (earlier?.failure && decision?.decision === 'approved') await link.decide(decisionMessage(identity, decision))
    return found
  } catch (error) {
    const { code, reason } = refusalOf(error)
    if (error instanceof FederationError && /^(data|invalid|operator)-/.test(code))
      store.records.dataChecked({ study, failure: { code, message: reason }, ...(found && { found }) })
    throw error
  } finally {
    await link.close()
  }
}

/** The initial parameters; undefined where no trial is made only for that. */
async function startOfTrial(
  invocation: Invocation<unknown>,
  store: SiteStore,
  link: Link,
  { hash: study, manifest: { initialParameters } }: NamedStudy,
): Promise<Uint8Array | undefined> {
  const { sha256, bytes } = initialParameters
  if (bytes > trialBytesMax) return undefined
  return store.objects.read(sha256) ?? (await fetchAside(invocation, link, { sha256, bytesMax: bytes, study }))
}

/** Not into the agent's own objects: it may be fetching the same one just now. */
async function fetchAside({ state, interrupted: signal }: Invocation<unknown>, link: Link, wanted: WantedObject) {
  // A download goes on until it is through; whether anybody is there shows first.
  await link.studies()
  const folder = mkdtempSync(join(state, 'check-'))
  try {
    const path = join(folder, 'object')
    await link.fetch({ ...wanted, path, signal })
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
