/**
 * `site-agent coordinator`: what this site knows of its coordinator's log, and a person's word that it goes along after the
 * coordinator was restored from an old copy. The page beside it is `site-agent/RECOVER.md`.
 */
import { userInfo } from 'node:os'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { revocationsMax } from '@consilium/protos/limits.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Command } from 'commander'
import { openMembership } from '../connect.ts'
import { readPolicy } from '../policy.ts'
import { letInAgain, openRecoveries } from '../round/coordinator-log.ts'
import type { KnownRecovery } from '../store/coordinator-log.ts'
import type { SiteStore } from '../store/site-store.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { withStore } from './with-store.ts'

type Accepting = { readonly yes?: boolean }

export function addCoordinatorCommands(root: Command, context: CommandContext): void {
  const coordinator = root
    .command('coordinator')
    .description('What this site knows of the log of its coordinator, which may be restored from an old copy.')
  coordinator
    .command('show')
    .description(
      'Shows how far the log was seen, recoveries of it, and which sites it revoked. Asks nobody, works offline.',
    )
    .addHelpText('after', examples('site-agent coordinator show', 'site-agent coordinator show --json'))
    .action(
      action(context, (invocation) =>
        withStore(invocation, async (store) => {
          const known = coordinatorOf(store)
          invocation.print(known, () => describe(known))
        }),
      ),
    )
  coordinator
    .command('accept')
    .description(
      'Goes along with a coordinator that was restored from an old copy and recovered (status says so, and every round is refused as recovery-refused). First ask its operator, by telephone, what happened. Asks nobody, works offline.',
    )
    .option('--yes', 'do not ask; without a terminal this is needed')
    .addHelpText('after', examples('site-agent coordinator show', 'site-agent coordinator accept'))
    .action(action<Accepting>(context, accept))
}

/** The coordinator's log as this site knows it; for `status` too. */
export function coordinatorOf({ coordinatorLog }: SiteStore) {
  const head = coordinatorLog.head(federationStream)
  const wentBack = coordinatorLog.wentBack()
  return {
    ...(head && { log: { epoch: head.epoch, entries: head.size, signedAt: head.at } }),
    ...(wentBack && { wentBack }),
    recoveries: coordinatorLog.recoveries().map(({ epoch, at, size, knownSize, foundAt, accepted }) => ({
      ...{ epoch, at, entries: size, knownEntries: knownSize, foundAt },
      ...(accepted && { accepted }),
    })),
    revoked: coordinatorLog.revocations(revocationsMax).map(({ site, publicKey, at }) => {
      return { site, fingerprint: fingerprint(publicKey), at }
    }),
  }
}

export function describeCoordinator({ wentBack, recoveries }: ReturnType<typeof coordinatorOf>) {
  const lines: (readonly [string, string])[] = []
  if (wentBack)
    lines.push([
      'LOG WENT BACK',
      `the coordinator shows ${wentBack.shownSize} entries of its log and had signed ${wentBack.knownSize} (${formatTime(wentBack.foundAt)}): this site works for it again once that is mended there`,
    ])
  for (const { epoch, at, accepted } of recoveries)
    lines.push(
      accepted
        ? [
            `coordinator, epoch ${epoch}`,
            `restored from an old copy, recovered ${formatTime(at)}; ${describeAccepted(accepted)}`,
          ]
        : [
            'COORDINATOR RESTORED',
            `it goes on from an old copy since ${formatTime(at)}. This site takes part in no round until a person runs site-agent coordinator accept`,
          ],
    )
  return lines
}

async function accept(invocation: Invocation<Accepting>): Promise<void> {
  await withStore(invocation, async (store) => {
    const { federation } = openMembership(invocation.state)
    const waiting = openRecoveries({ store, readPolicy: () => readPolicy(invocation) })
    const last = waiting.at(-1)
    if (!last)
      throw new FederationError(
        'not-restored',
        'the coordinator has shown this site no recovery from an old copy that waits for anybody here. Nothing is changed',
      )
    await confirm(invocation, federation, last, letInAgain({ store }))
    store.coordinatorLog.accept('person', userInfo().username)
    invocation.print({ federation, epoch: last.epoch, recoveries: coordinatorOf(store).recoveries }, () =>
      [
        `This site goes along with the recovery of ${federation}: epoch ${last.epoch} of its log.\n`,
        'It works in its rounds from the next plan on. What it did before stays in its ledgers, and counts.\n',
      ].join(''),
    )
  })
}

async function confirm(
  { alarm, ask, options }: Invocation<Accepting>,
  federation: string,
  last: KnownRecovery,
  again: readonly SiteName[],
) {
  if (options.yes) return
  alarm(
    [
      `The coordinator of ${federation} was restored from an old copy, and goes on from it since ${formatTime(last.at)}: of the ${last.knownSize} entries of its log that this site knew it has at most ${last.size}.`,
      'Ask its operator by telephone whether that is so, and what was lost. Runs of that time are over. Whoever was revoked then, and of whom no site had proof, may be let in again.',
      ...(again.length > 0
        ? [
            `It offers ${again.join(', ')} again, whom it had revoked. This site works with none of them until somebody pins them again here (site-agent roster list).`,
          ]
        : []),
      'This site forgets nothing: with whom it helped to which sums, what it masked and confirmed, and its limits stay as they are.',
    ].join('\n'),
  )
  if (!ask)
    throw new FederationError(
      'invalid-argument',
      'nobody sits at a terminal here: add --yes to go along without asking',
    )
  if ((await ask(`Type ${federation} to go along: `)).trim() !== federation)
    throw new FederationError('cancelled', 'this site does not go along; nothing is changed')
}

function describe(known: ReturnType<typeof coordinatorOf>): string {
  const { log, revoked } = known
  return fields([
    ['log', log ? `${log.entries} entries, epoch ${log.epoch}, signed ${formatTime(log.signedAt)}` : 'not shown yet'],
    ...describeCoordinator(known),
    ...revoked.map(({ site, fingerprint: key, at }): [string, string] => {
      return [`${site} revoked`, `${formatTime(at)}, ${key}`]
    }),
  ])
}

function describeAccepted({ at, by, account }: NonNullable<KnownRecovery['accepted']>): string {
  if (by === 'extended') return 'nothing that this site knew was lost'
  return `accepted ${formatTime(at)} by ${by === 'policy' ? 'policy.yaml' : account}`
}
