/** `site-agent study`: read what a study would compute and what would leave, and decide on it. */
import { userInfo } from 'node:os'
import { FederationError } from '@consilium/protos/errors.ts'
import { formatTime, shortHash } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import type { Folders } from '../config.ts'
import { openMembership } from '../connect.ts'
import { findStudy } from '../consent.ts'
import { judgeWhole } from '../judge.ts'
import { originOf } from '../origin.ts'
import { readPolicy } from '../policy.ts'
import { preview } from '../preview.ts'
import { type Risk, risk } from '../risk.ts'
import type { NamedStudy } from '../round/assignment.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { Decision, KnownStudy } from '../store/studies.ts'
import { sumsHere } from '../sums-here.ts'
import { acceptBreaches, readAccepted } from './accept.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { checkReason, findOrFetch, tell, untoldText } from './find-study.ts'
import { table } from './output.ts'
import { addPartnerCommands } from './study-partners.ts'
import { describeRisk, describeStandOuts, describeStudy } from './study-text.ts'
import { refreshStudies, withStore } from './with-store.ts'

export function addStudyCommands(root: Command, context: CommandContext): void {
  const study = root.command('study').description('Studies offered to this site, and its decisions on them.')
  study
    .command('list')
    .description('Lists every study with the decision of this site; asks the coordinator where it is reachable.')
    .addHelpText('after', examples('site-agent study list', 'site-agent study list --json'))
    .action(action(context, list))
  study
    .command('show')
    .description('Shows what a study would compute here, what would leave the hospital, and how often.')
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .addHelpText('after', examples('site-agent study show heart-disease', 'site-agent study show 3f9a1c20 --json'))
    .action(action(context, show))
  study
    .command('approve')
    .description('Approves a study: from now on this site works in its rounds. Holds for these very bytes of it only.')
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .option('--reason <text>', 'a note kept with the decision and told to the coordinator', '')
    .option('--accept <rules>', 'rules of the policy that it breaks and that you accept, by their names, with commas')
    .addHelpText(
      'after',
      examples('site-agent study approve heart-disease', 'site-agent study approve heart-disease --accept rows,graph'),
    )
    .action(action<DecisionOptions>(context, (invocation) => decide(invocation, 'approved')))
  study
    .command('reject')
    .description('Rejects a study, or withdraws its approval: this site refuses every further round of it.')
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .option('--reason <text>', 'why; kept with the decision and told to the coordinator', '')
    .addHelpText('after', examples('site-agent study reject heart-disease --reason "ethics vote pending"'))
    .action(action<DecisionOptions>(context, (invocation) => decide(invocation, 'rejected')))
  study
    .command('resume')
    .description('Takes part again in what this site stands out of since a fault (see status): you have looked why.')
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .addHelpText('after', examples('site-agent study resume heart-disease', 'site-agent study resume 3f9a1c20 --json'))
    .action(action(context, resume))
  addPartnerCommands(study, context)
}

type DecisionOptions = { readonly reason: string; readonly accept?: string }

async function list(invocation: Invocation<unknown>): Promise<void> {
  await withStore(invocation, async (store) => {
    await refreshStudies(invocation, store)
    const views = store.studies.list().map((known) => ({ known, decision: store.studies.decisionOn(known.hash) }))
    invocation.print(
      views.map(({ known, decision }) => studyView(known, decision)),
      () =>
        views.length === 0
          ? 'No study has been offered to this site yet.\n'
          : table(
              ['study', 'hash', 'lead', 'seen', 'decision'],
              views.map(({ known, decision }) => [
                known.name,
                shortHash(known.hash),
                known.lead,
                formatTime(known.seenAt),
                describeDecision(known, decision),
              ]),
            ),
    )
  })
}

async function show(invocation: Invocation<unknown>): Promise<void> {
  const [reference = ''] = invocation.args
  await withStore(invocation, async (store) => {
    const known = await findOrFetch(invocation, store, reference)
    const named = store.studies.read(known)
    const { manifest } = named
    const decision = store.studies.decisionOn(known.hash)
    const dataCheck = store.records.dataCheckOf(known.hash)
    const leaves = preview(manifest)
    const { mode, warning } = leaves
    if (warning) invocation.alarm(warning)
    const risked = riskHere(known, invocation, store)
    const breaches = judgeWhole(named, { store, policy: readPolicy(invocation) }).map((breach) => ({
      ...breach,
      accepted: decision?.accepted.includes(breach.rule) ?? false,
    }))
    const { site } = openMembership(invocation.state)
    const sums = sumsHere(known, { site, store, policy: readPolicy(invocation), now: new Date() })
    invocation.print(
      { ...studyView(known, decision), mode, dataCheck, leaves, risk: risked, breaches, sums, study: manifest.study },
      () =>
        describeStudy(known, manifest, {
          leaves,
          risk: risked,
          breaches,
          sums,
          decision: describeDecision(known, decision),
          dataCheck,
        }),
    )
  })
}

function riskHere(known: KnownStudy, folders: Folders, store: SiteStore): Risk {
  const named = store.studies.read(known)
  const { manifest } = named
  return risk({
    manifest,
    origin: originOf(named, store.results.isFromRun),
    leaves: preview(manifest),
    policy: readPolicy(folders),
    data: store.records.dataCheckOf(known.hash)?.found,
  })
}

/** Decides here first, so that the decision holds at once, then tells the coordinator. */
async function decide(invocation: Invocation<DecisionOptions>, word: Decision['decision']): Promise<void> {
  const [reference = ''] = invocation.args
  const { reason } = invocation.options
  checkReason(reason)
  const typed = readAccepted(invocation.options.accept)
  await withStore(invocation, async (store) => {
    const breachesOf = (study: NamedStudy) => judgeWhole(study, { store, policy: readPolicy(invocation) })
    const known = await findOrFetch(invocation, store, reference)
    const { hash: study, name, lead } = known
    const named = store.studies.read(known)
    const { mode, warning } = preview(named.manifest)
    if (word === 'approved' && warning) invocation.alarm(warning)
    if (word === 'approved' && invocation.ask) invocation.remark(describeRisk(riskHere(known, invocation, store)))
    const accepted = word === 'approved' ? await acceptBreaches(invocation, breachesOf(named), typed) : []
    const account = userInfo().username
    const decision = store.studies.decide({ study, decision: word, lead, by: 'person', account, reason, accepted })
    const told = await tell(invocation, store, { decision, isStanding: accepted.length > 0 })
    invocation.print({ ...studyView(known, decision), mode, told: told === undefined }, () =>
      [
        `Study ${name} (${shortHash(study)}) is ${word} at this site.\n`,
        untoldText(told),
        word === 'approved' ? `Check that the data fit: site-agent check ${shortHash(study)}\n` : '',
      ].join(''),
    )
  })
}

/** Throws `not-found` where this site stands out of nothing of the study. */
async function resume(invocation: Invocation<unknown>): Promise<void> {
  const [reference = ''] = invocation.args
  await withStore(invocation, async (store) => {
    const { hash, name } = findStudy(reference, store.studies)
    const resumed = store.standOuts.resume(hash, userInfo().username)
    if (resumed.length === 0)
      throw new FederationError('not-found', `this site stands out of nothing of study ${name} (${shortHash(hash)})`)
    const told = await tell(invocation, store, { isStanding: true })
    invocation.print(
      { study: hash, name, resumed, told: told === undefined },
      () =>
        `From now on this site takes part again in study ${name} (${shortHash(hash)}). It stood out of:\n${describeStandOuts(resumed)}${untoldText(told)}`,
    )
  })
}

function studyView({ hash, name, lead, seenAt }: KnownStudy, decision: Decision | undefined) {
  return { hash, name, lead, seenAt, decision: decision ?? null }
}

function describeDecision(known: KnownStudy, decision: Decision | undefined): string {
  if (!decision) return 'awaits a decision'
  const { by, account, at } = decision
  const who = by === 'policy' ? 'policy.yaml' : account
  const otherLead = decision.lead === known.lead ? '' : ` as signed by ${decision.lead}: decide again`
  const accepting = decision.accepted.length > 0 ? `, accepting ${decision.accepted.join(', ')}` : ''
  return `${decision.decision} by ${who}, ${formatTime(at)}${accepting}${otherLead}`
}
