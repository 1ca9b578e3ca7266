/**
 * `site-agent recover`: a person's word that this site, restored from an old copy, may go on. It keeps its identity and
 * begins the next epoch of its ledger of sessions, which its peers see, signed.
 */
import { userInfo } from 'node:os'
import { FederationError } from '@consilium/protos/errors.ts'
import { formatTime } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { openMembership } from '../connect.ts'
import { standsOutOf } from '../round/after-restore.ts'
import { tidy } from '../round/commit.ts'
import { lockState } from '../store/lock.ts'
import type { SiteStore } from '../store/site-store.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { withStore } from './with-store.ts'

export function addRecoverCommand(root: Command, context: CommandContext): void {
  root
    .command('recover')
    .description(
      'Lets a site go on whose state was restored from an old copy (status says so, and every round is refused as site-restored). Stop the agent first. Keeps the identity; asks nobody, works offline.',
    )
    .option('--yes', 'do not ask; without a terminal this is needed')
    .addHelpText('after', examples('site-agent status', 'site-agent recover', 'site-agent recover --yes --json'))
    .action(action<{ readonly yes?: boolean }>(context, recover))
}

async function recover(invocation: Invocation<{ readonly yes?: boolean }>): Promise<void> {
  await withStore(invocation, async (store) => {
    const { site } = openMembership(invocation.state)
    const lock = lockState(invocation.state)
    try {
      checkRestored(store)
      await confirm(invocation, site, store)
      const { epoch, number } = store.sessionLedger.recover(userInfo().username)
      const ended = endOpenWork(store)
      const studies = studiesOfBefore(store, site)
      invocation.print({ site, epoch, session: number, endedRounds: ended, trainsOnly: studies }, () =>
        [
          `${site} is recovered: epoch ${epoch} of its ledger begins with entry ${number}.\n`,
          ended > 0 ? `${ended} open rounds were ended; the other sites go on without this one.\n` : '',
          studies.length > 0
            ? `In the studies it knew it trains, and stands out of statistics and evaluations: ${studies.join(', ')}. Tell their lead that this site was recovered, as epoch ${epoch}: once the lead signed whom it was among (consilium study partners <study> --restored ${site} --epoch ${epoch}), it is in them again.\n`
            : '',
          'Next: site-agent roster list and site-agent study list, since what was decided here after the copy was made is forgotten; then start the agent.\n',
        ].join(''),
      )
    } finally {
      lock.release()
    }
  })
}

function checkRestored({ sessionLedger }: SiteStore): void {
  if (sessionLedger.restore()) return
  const { epoch, number } = sessionLedger.position()
  throw new FederationError(
    'not-restored',
    `nothing says that this site was restored: its ledger stands at session ${number} of epoch ${epoch}, and nobody has shown it a later one. Nothing is changed. If an old copy was put back just now, start the agent (site-agent run) and let it attend: it finds out by what the other sites know of it, and status says so`,
  )
}

async function confirm(
  { alarm, ask, options }: Invocation<{ readonly yes?: boolean }>,
  site: string,
  { sessionLedger }: SiteStore,
): Promise<void> {
  if (options.yes) return
  const { foundAt, seen } = sessionLedger.restore()!
  alarm(
    [
      `The state of ${site} is an old copy: it knows of ${sessionLedger.position().number} sessions, and had signed ${seen.number} (found ${formatTime(foundAt)}).`,
      'What it did in between is lost to it. Recover it only if no other copy of it runs anywhere, and after you looked for a newer backup: a newer state, put back, needs nothing of this.',
      'From then on: open rounds are ended here; it trains as before; it stands out of the statistics and evaluations of the studies it took part in; the other sites see that it was recovered.',
    ].join('\n'),
  )
  if (!ask)
    throw new FederationError('invalid-argument', 'nobody sits at a terminal here: add --yes to recover without asking')
  if ((await ask(`Type ${site} to recover it: `)).trim() !== site)
    throw new FederationError('cancelled', 'not recovered; nothing is changed')
}

/** What was open at the time of the copy is over by now, or goes on without this site. */
function endOpenWork(store: SiteStore): number {
  const open = store.journal.open()
  for (const { planHash } of open)
    store.journal.over(planHash, 'refused', 'this site was restored, and recovered since')
  tidy({ store })
  return open.length
}

function studiesOfBefore(store: SiteStore, name: string): string[] {
  const approved = store.studies.list().filter(({ hash }) => store.studies.decisionOn(hash)?.decision === 'approved')
  return approved.filter(({ hash }) => standsOutOf(hash, { name, store }).length > 0).map(({ name }) => name)
}
