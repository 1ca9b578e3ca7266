/**
 * `consilium study partners`: among whom the statistics and evaluations of a study are, and the lead's signed changes of
 * that: who left for good, who joins, whom a restored site was among (fedsum, sections E.4 and E.6).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import {
  leavingAndJoining,
  type PartnerChange,
  type PartnerPurpose,
  partnerPurposes,
  signPartnerChange,
} from '@consilium/protos/plan/partner-change.ts'
import { type Command, InvalidArgumentError } from 'commander'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import type { ShownChange, ShownStudy } from './views.ts'
import { withAdmin } from './with-admin.ts'

type Options = {
  readonly without?: readonly string[]
  readonly with?: readonly string[]
  readonly restored?: string
  readonly epoch?: number
  readonly purpose: readonly PartnerPurpose[]
  readonly key?: string
}

export function addPartnersCommand(study: Command, context: CommandContext): void {
  study
    .command('partners')
    .description(
      'Shows among whom statistics and evaluations of a study are. With --without and --with, signs a change: sites go along by themselves with the signatures of those that leave (site-agent study withdraw) and join, else people there decide.',
    )
    .argument('<study>', 'its hash, the first 8 or more digits of it, or its name')
    .option('--without <site...>', 'sites that left for good')
    .option('--with <site...>', 'sites that join')
    .option(
      '--restored <site>',
      'a site that was recovered: it is told whom it was among, nothing changes for the others',
    )
    .option('--epoch <number>', 'of --restored: the epoch that site-agent recover printed there', readEpoch)
    .option('--purpose <purposes>', 'evaluate, statistics, or both with a comma', readPurposes, ['evaluate'])
    .option('--key <file>', 'the lead key that signed the study')
    .addHelpText(
      'after',
      examples(
        'consilium study partners heart-disease',
        'consilium study partners heart-disease --without basel --key lead-key.json',
        'consilium study partners heart-disease --restored basel --epoch 2 --key lead-key.json',
      ),
    )
    .action(action<Options>(context, partners))
}

async function partners({ args: [reference = ''], home, options, print }: Invocation<Options>): Promise<void> {
  const view = await withAdmin(home, (admin) => admin.showStudy(reference))
  const change = changeOf(view, options)
  if (!change) return print(partnersOf(view), () => partnersText(view))
  if (!options.key)
    throw new FederationError('invalid-argument', 'a change is signed by the lead: add --key <lead key>')
  const { readLeadKey } = await import('./lead-key-file.ts')
  const signed = signPartnerChange(change, await readLeadKey(options.key))
  const changed = await withAdmin(home, (admin) => admin.changePartners(signed))
  print(partnersOf(changed), () => partnersText(changed))
}

/** Undefined where nothing is asked for; throws for what is no change. */
function changeOf(view: ShownStudy, options: Options): PartnerChange | undefined {
  const { without = [], with: joining = [], restored, epoch, purpose } = options
  if (without.length + joining.length === 0 && restored === undefined) return undefined
  if (restored !== undefined && (without.length + joining.length > 0 || epoch === undefined))
    throw new FederationError('invalid-argument', '--restored goes with --epoch, and with no other change')
  const sets = purpose.map((each) => {
    const before = view.partners.find((set) => set.purpose === each)?.sites
    if (!before)
      throw new FederationError(
        'partners-refused',
        `nobody has settled on partners for ${each} of study ${view.name} yet`,
      )
    const strange = without.find((site) => !before.includes(site)) ?? joining.find((site) => before.includes(site))
    if (strange !== undefined)
      throw new FederationError('invalid-argument', `${strange}: sums of ${each} are among ${before.join(', ')}`)
    const after = [...before.filter((site) => !without.includes(site)), ...joining].sort()
    return { purpose: each, before: [...before], after }
  })
  const number = view.partnerChanges.length + 1
  return {
    ...{ format: 1, study: view.hash, number, sets },
    ...(restored !== undefined && { restored: { site: restored, epoch: epoch! } }),
  }
}

function partnersOf({ hash: study, name, partners, partnerChanges }: ShownStudy) {
  return { study, name, partners, partnerChanges }
}

function partnersText({ name, partners, partnerChanges }: ShownStudy): string {
  if (partners.length === 0) return `Nobody has settled on partners of study ${name} yet: its first run does.\n`
  return [
    fields(partners.map(({ purpose, sites }) => [purpose, sites.join(', ')])),
    ...partnerChanges.map((changed, i) => changeLines(changed, i === partnerChanges.length - 1)),
  ].join('')
}

function changeLines({ change, at, agreed, awaited, unsigned }: ShownChange, isNewest: boolean): string {
  const { leaving, joining } = leavingAndJoining(change)
  const what = change.restored
    ? `${change.restored.site} was restored (epoch ${change.restored.epoch})`
    : [...leaving.keys()]
        .map((site) => `without ${site}`)
        .concat([...joining.keys()].map((site) => `with ${site}`))
        .join(', ')
  const state =
    awaited.length === 0 ? 'in force' : isNewest ? `awaits ${awaited.join(', ')}` : 'a newer one took its place'
  return [
    `\nChange ${change.number} of ${formatTime(at)}: ${what}; ${state}\n`,
    fields([['goes along', agreed.join(', ') || 'nobody yet']]),
    unsigned.length > 0 && awaited.length > 0
      ? `${unsigned.join(', ')} did not sign that it leaves (site-agent study withdraw): people at every other site decide, by site-agent study partners.\n`
      : '',
    isNewest && awaited.some((site) => joining.has(site))
      ? `Whoever joins says so itself: a person there runs site-agent study partners, with --accept.\n`
      : '',
  ].join('')
}

function readPurposes(text: string): PartnerPurpose[] {
  const names = text.split(',')
  if (names.some((name) => !(partnerPurposes as readonly string[]).includes(name)))
    throw new InvalidArgumentError(`one of ${partnerPurposes.join(', ')}, or both with a comma`)
  return partnerPurposes.filter((purpose) => names.includes(purpose))
}

function readEpoch(text: string): number {
  const epoch = Number(text)
  if (!Number.isInteger(epoch) || epoch < 2) throw new InvalidArgumentError('a whole number from 2 on')
  return epoch
}
