/**
 * `site-agent study withdraw` and `study partners`: leaving a study for good, with a signature that lets the others go on at
 * once, and what a person here decides of a change of partners (fedsum, section E.4).
 */
import { userInfo } from 'node:os'
import { FederationError } from '@consilium/protos/errors.ts'
import { fields, formatTime, shortHash } from '@consilium/protos/plain-text.ts'
import { type PartnerPurpose, partnerPurposes } from '@consilium/protos/plan/partner-change.ts'
import type { Command } from 'commander'
import { openMembership } from '../connect.ts'
import { findStudy } from '../consent.ts'
import { acceptNewest, changeText, type Deciding, objections, sayLeave } from '../partner-changes.ts'
import { readPolicy } from '../policy.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { KnownStudy } from '../store/studies.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { checkReason, findOrFetch, tell, untoldText } from './find-study.ts'
import { withStore } from './with-store.ts'

export function addPartnerCommands(study: Command, context: CommandContext): void {
  study
    .command('withdraw')
    .description(
      'Leaves a study for good, and signs that its other sites may go on without this one: they need no person for it.',
    )
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .option('--reason <text>', 'why; kept with the decision and told to the coordinator', '')
    .option(
      '--accept <sums>',
      'what its leaving may be told of, without asking: evaluate, statistics, or both with a comma',
    )
    .addHelpText(
      'after',
      examples('site-agent study withdraw heart-disease', 'site-agent study withdraw heart-disease --accept evaluate'),
    )
    .action(action<{ readonly reason: string; readonly accept?: string }>(context, withdraw))
  study
    .command('partners')
    .description(
      'Shows among whom the statistics and evaluations of a study are, and the changes its lead signed; with --accept, goes along with the newest.',
    )
    .argument('<study>', 'its name, its hash, or the first 6 or more digits of it')
    .option('--accept', 'go along with the change that waits, whoever has not signed')
    .addHelpText(
      'after',
      examples('site-agent study partners heart-disease', 'site-agent study partners heart-disease --accept'),
    )
    .action(action<{ readonly accept?: boolean }>(context, partners))
}

async function withdraw(invocation: Invocation<{ readonly reason: string; readonly accept?: string }>): Promise<void> {
  const [reference = ''] = invocation.args
  const { reason, accept } = invocation.options
  checkReason(reason)
  const typed = accept === undefined ? undefined : readPurposes(accept)
  await withStore(invocation, async (store) => {
    const { hash: study, name, lead } = await findOrFetch(invocation, store, reference)
    const settled = partnerPurposes.filter((purpose) => store.partners.find(study, purpose))
    const purposes = settled.length === 0 ? partnerPurposes : (typed ?? (await askPurposes(invocation, study, store)))
    const account = userInfo().username
    const decision = store.studies.decide({ study, decision: 'rejected', lead, by: 'person', account, reason })
    sayLeave(study, purposes, deciding(invocation, store))
    const untold = await tell(invocation, store, { decision })
    invocation.print({ study, name, purposes, told: untold === undefined }, () =>
      [
        `This site has left study ${name} (${shortHash(study)}), and takes part in no further round of it.\n`,
        `The lead may go on without it by a signed change of partners; the other sites go along: ${purposes.join(', ')}.\n`,
        untoldText(untold),
      ].join(''),
    )
  })
}

/** What leaving tells, before a person agrees to it. */
async function askPurposes(
  { alarm, ask }: Invocation<unknown>,
  study: string,
  store: SiteStore,
): Promise<readonly PartnerPurpose[]> {
  const settled = partnerPurposes.filter((purpose) => store.partners.find(study, purpose))
  for (const purpose of settled) alarm(whatLeavingTells(purpose, study, store))
  if (!ask)
    throw new FederationError(
      'invalid-argument',
      `nobody sits at a terminal here, and nothing is decided: add --accept ${settled.join(',')}, or leave without it by site-agent study reject (then people at every other site decide)`,
    )
  const chosen = readPurposes(await ask(`Type what may be told, ${settled.join(' or ')} or both, to leave the study: `))
  if (chosen.length === 0) throw new FederationError('cancelled', 'this site did not leave; nothing is decided')
  return chosen
}

function whatLeavingTells(purpose: PartnerPurpose, study: string, store: SiteStore): string {
  const others = store.partners.find(study, purpose)!.sites.length - 1
  if (purpose === 'statistics')
    return `statistics: no column is summed again without this site; where columns that are new are summed among the ${others} others, the difference of the counts tells how many training rows it has.`
  const last = store.records.evaluations(100).find((each) => each.study === study)
  const rows = last ? ` (${last.examples} in round ${last.round} of ${last.run})` : ''
  return `evaluate: the next evaluation is among the ${others} others, and its difference from the last one tells of this site: its number of test rows${rows} and of cases among them, exactly; and nearly, as the model is another one by then, how the last model scored on them.`
}

async function partners(invocation: Invocation<{ readonly accept?: boolean }>): Promise<void> {
  const [reference = ''] = invocation.args
  await withStore(invocation, async (store) => {
    const known = findStudy(reference, store.studies)
    const site = deciding(invocation, store)
    let untold: string | undefined
    if (invocation.options.accept) {
      acceptNewest(known.hash, userInfo().username, site)
      untold = await tell(invocation, store)
    }
    const view = partnersView(known, site)
    invocation.print({ ...view, ...(invocation.options.accept && { told: untold === undefined }) }, () =>
      [describePartners(view), untoldText(untold)].join(''),
    )
  })
}

type PartnersView = ReturnType<typeof partnersView>

function partnersView(known: KnownStudy, site: Deciding) {
  const { partners, partnerChanges, studies } = site.store
  const study = studies.read(known)
  const changes = partnerChanges.list(known.hash).map((each) => ({
    number: each.change.number,
    text: changeText(each.change),
    seenAt: each.seenAt,
    ...(each.agreed && { agreed: each.agreed }),
    asks: each.agreed ? [] : objections(each, study, site),
  }))
  return {
    study: known.hash,
    name: known.name,
    sets: partners.sets(known.hash).map(({ purpose, sites, past, change }) => ({ purpose, sites, past, change })),
    changes,
    changesMax: site.readPolicy().secure.partnerChangesMax,
  }
}

function describePartners({ study, name, sets, changes, changesMax }: PartnersView): string {
  const newest = changes.at(-1)
  const waits = newest && !newest.agreed
  return [
    fields([['study', `${name} (${shortHash(study)})`]]),
    sets.length === 0 ? 'No statistics or evaluation was summed with this site yet.\n' : '',
    fields(sets.map(({ purpose, sites, past }) => [past ? `${purpose}, before` : purpose, sites.join(', ')])),
    changes.length === 0 ? '' : `\nChanges that the lead signed (this site goes along with ${changesMax} by itself)\n`,
    fields(
      changes.map(({ number, text, agreed, asks }) => [
        `${number}  ${text}`,
        agreed
          ? `agreed by ${agreed.by === 'person' ? agreed.account : 'itself'}, ${formatTime(agreed.at)}`
          : asks.length > 0
            ? `waits: ${asks.join('; ')}`
            : 'does not follow from what is settled here, or a newer one has taken its place',
      ]),
    ),
    waits
      ? `Ask the lead and those it names by telephone; if it is right: site-agent study partners ${shortHash(study)} --accept\n`
      : '',
  ].join('')
}

function deciding(invocation: Invocation<unknown>, store: SiteStore): Deciding {
  const { site: name, identity } = openMembership(invocation.state)
  return { name, identity, store, readPolicy: () => readPolicy(invocation) }
}

/** Throws `invalid-argument` for a name that is none. */
function readPurposes(text: string): readonly PartnerPurpose[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== '')
  const unknown = names.find((name) => !(partnerPurposes as readonly string[]).includes(name))
  if (unknown !== undefined)
    throw new FederationError('invalid-argument', `${unknown} is none of ${partnerPurposes.join(', ')}`)
  return partnerPurposes.filter((purpose) => names.includes(purpose))
}
