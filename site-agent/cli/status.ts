/** `site-agent status`: is this site a member, does its agent run, what has it worked on, what did it refuse. */
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import { rosterSitesMax } from '@consilium/protos/limits.ts'
import { fields, formatBytes, formatTime, shortHash } from '@consilium/protos/plain-text.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Command } from 'commander'
import { breachTexts, open } from '../breaches.ts'
import { type Membership, openMembership, readMembership } from '../connect.ts'
import { judgeWhole } from '../judge.ts'
import { changeText } from '../partner-changes.ts'
import { type Policy, readPolicy } from '../policy.ts'
import { rosterLines } from '../roster.ts'
import { standsOutOf } from '../round/after-restore.ts'
import { isLocked } from '../store/lock.ts'
import type { SiteStore } from '../store/site-store.ts'
import { type SumsHere, sumsHere } from '../sums-here.ts'
import { action, type CommandContext, examples } from './command.ts'
import { coordinatorOf, describeCoordinator } from './coordinator.ts'
import { formatTraffic, table } from './output.ts'
import { describeStandOuts } from './study-text.ts'
import { describeSums } from './sums-text.ts'
import { withStore } from './with-store.ts'

const shownMax = 10

export function addStatusCommand(root: Command, context: CommandContext): void {
  root
    .command('status')
    .description('Shows membership, whether the agent runs, its latest work and refusals. Asks nobody, works offline.')
    .addHelpText('after', examples('site-agent status', 'site-agent status --json'))
    .action(
      action(context, (invocation) =>
        withStore(invocation, async (store) => {
          const { site, identity } = openMembership(invocation.state)
          const roster = rosterCounts(store, { site, publicKey: identity.publicKey })
          const outgrown = outgrownStudies(store, readPolicy(invocation))
          const status = {
            ...readMembership(invocation.state),
            ...statusOf(store, invocation.state, site),
            roster,
            outgrown,
            sums: sumsOf(store, { site, policy: readPolicy(invocation) }),
          }
          invocation.print(status, () => describe(status))
        }),
      ),
    )
}

type Status = Membership &
  ReturnType<typeof statusOf> & {
    readonly roster: ReturnType<typeof rosterCounts>
    readonly outgrown: ReturnType<typeof outgrownStudies>
    readonly sums: ReturnType<typeof sumsOf>
  }

/** Approved studies that break rules which nobody accepted: the policy became stricter, or the data fewer. */
function outgrownStudies(store: SiteStore, policy: Policy) {
  return store.studies.list().flatMap((known) => {
    const decision = store.studies.decisionOn(known.hash)
    if (decision?.decision !== 'approved') return []
    const found = open(judgeWhole(store.studies.read(known), { store, policy }), decision.accepted)
    // How many sites there are counts as a study is decided on, and never later.
    const breaks = found.filter(({ rule }) => rule !== 'planned')
    return breaks.length > 0 ? [{ study: known.hash, name: known.name, breaks }] : []
  })
}

/** Of studies that this site has decided to work for, or was in a sum of. */
function sumsOf(store: SiteStore, here: { readonly site: SiteName; readonly policy: Policy }): readonly SumsHere[] {
  const all = store.studies.list().map((known) => sumsHere(known, { ...here, store, now: new Date() }))
  return all.filter(({ study, sums }) => sums.length > 0 || store.studies.decisionOn(study)?.decision === 'approved')
}

/** A key that is offered in place of a pinned one counts as both. */
function rosterCounts(store: SiteStore, self: RosterSite) {
  const states = rosterLines(store.roster, self).map(({ state }) => state)
  return {
    pinned: states.filter((state) => state === 'pinned' || state === 'changed').length,
    awaiting: states.filter((state) => state === 'offered' || state === 'changed').length,
  }
}

function statusOf(store: SiteStore, state: string, site: SiteName) {
  const decisions = store.studies.list().map(({ hash }) => store.studies.decisionOn(hash)?.decision)
  const totals = store.egress.totals()
  return {
    running: isLocked(state),
    attendance: store.attendance.latest(),
    studies: {
      approved: decisions.filter((decision) => decision === 'approved').length,
      rejected: decisions.filter((decision) => decision === 'rejected').length,
      undecided: decisions.filter((decision) => decision === undefined).length,
    },
    work: store.journal.list(shownMax),
    sessions: sessionsOf(store, site),
    coordinatorLog: coordinatorOf(store),
    evaluations: store.records.evaluations(shownMax),
    refusals: store.records.refusals(shownMax),
    partnerChanges: waitingChanges(store),
    standsOut: store.standOuts.list().map((each) => ({ ...each, name: store.studies.find(each.study)?.name ?? '' })),
    egress: {
      messages: totals.reduce((sum, { messages }) => sum + messages, 0),
      bytes: totals.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  }
}

/** The newest changes of studies' partners, where nobody here went along with them yet. */
function waitingChanges(store: SiteStore) {
  return store.studies.list().flatMap(({ hash, name }) => {
    const newest = store.partnerChanges.list(hash).at(-1)
    if (!newest || newest.agreed || store.studies.decisionOn(hash)?.decision !== 'approved') return []
    return [{ study: hash, name, number: newest.change.number, text: changeText(newest.change) }]
  })
}

/** Where the ledger of this site's secure sessions stands, and what is known of restores, here and of its peers. */
function sessionsOf(store: SiteStore, name: SiteName) {
  const { sessionLedger } = store
  const { epoch, number } = sessionLedger.position()
  const found = sessionLedger.restore()
  const recovery = sessionLedger.recovery()
  const approved = store.studies.list().filter(({ hash }) => store.studies.decisionOn(hash)?.decision === 'approved')
  return {
    epoch,
    number,
    ...(found && { restored: { foundAt: found.foundAt, epoch: found.seen.epoch, number: found.seen.number } }),
    ...(recovery && {
      recovered: recovery,
      trainsOnly: approved
        .filter(({ hash }) => standsOutOf(hash, { name, store }).length > 0)
        .map((study) => study.name),
    }),
    recoveredPeers: sessionLedger
      .furthest(rosterSitesMax)
      .filter(({ position }) => position.epoch > 1)
      .map(({ site, position }) => ({ site, epoch: position.epoch })),
  }
}

function describeSessions({ epoch, number, restored, recovered, trainsOnly = [], recoveredPeers }: Status['sessions']) {
  const lines: (readonly [string, string])[] = [['sessions', `${number} in its ledger, epoch ${epoch}`]]
  if (restored)
    lines.push([
      'RESTORED',
      `the state here is an old copy: it had signed session ${restored.number}. It takes part in no round until a person runs site-agent recover`,
    ])
  if (recovered) {
    const { recoveredAt, account } = recovered
    const out = trainsOnly.length > 0 ? `; out of statistics and evaluations of ${trainsOnly.join(', ')}` : ''
    lines.push(['recovered', `${formatTime(recoveredAt)} by ${account}, as epoch ${recovered.epoch}${out}`])
  }
  for (const peer of recoveredPeers)
    lines.push([`${peer.site} recovered`, `it was restored from an old copy and goes on, epoch ${peer.epoch}`])
  return lines
}

function describe(status: Status): string {
  const { partnerChanges, studies, roster, work, evaluations, refusals, standsOut, egress, outgrown, sums } = status
  return [
    fields([
      ['site', status.site],
      ['federation', status.federation],
      ['coordinator', status.address],
      ['fingerprint', status.fingerprint],
      ['certificate until', formatTime(status.certificateExpiresAt)],
      ['agent', describeAgent(status)],
      ['studies', `${studies.approved} approved, ${studies.rejected} rejected, ${studies.undecided} await a decision`],
      ['other sites', `${roster.pinned} pinned, ${roster.awaiting} await approval`],
      ['has left', formatTraffic(egress)],
      ...describeSessions(status.sessions),
      ...describeCoordinator(status.coordinatorLog),
    ]),
    partnerChanges.length === 0
      ? ''
      : '\nChanges of partners that wait for a person here: site-agent study partners <study>\n',
    ...partnerChanges.map(({ name, number, text }) => fields([[`${name}, change ${number}`, text]])),
    standsOut.length === 0 ? '' : '\nSTANDS OUT until somebody here has looked: then site-agent study resume <study>\n',
    describeStandOuts(standsOut),
    outgrown.length === 0
      ? ''
      : '\nApproved studies that break the policy as it is now: this site stays away from what breaks it\n',
    ...outgrown.map(({ name, study, breaks }) => fields([[`${name} (${shortHash(study)})`, breachTexts(breaks)]])),
    work.length === 0 ? '' : '\nLatest work\n',
    work.length === 0
      ? ''
      : table(
          ['run', 'round', 'for', 'state', 'started', 'bytes'],
          work.map(({ run, round, purpose, state, outcome, startedAt, bytes }) => [
            run,
            String(round),
            purpose,
            outcome || state,
            formatTime(startedAt),
            bytes > 0 ? formatBytes(bytes) : '-',
          ]),
        ),
    describeSums(sums, { isWhole: false }),
    describeEvaluations(evaluations),
    refusals.length === 0 ? '' : '\nLatest refusals\n',
    ...refusals.map(({ at, code, reason }) => fields([[`${formatTime(at)}  ${code}`, reason]])),
  ].join('')
}

function describeAgent({ running, attendance }: Status): string {
  if (!running) return 'not running'
  if (!attendance) return 'running'
  const since = formatTime(attendance.at)
  if (attendance.state === 'attending') return `running, connected since ${since}`
  if (attendance.state === 'refused') return `running, NOT ADMITTED since ${since}: ${attendance.reason}`
  return `running, not connected since ${since}: ${attendance.reason}`
}

function describeEvaluations(evaluations: Status['evaluations']): string {
  if (evaluations.length === 0) return ''
  const rows = evaluations.map(({ run, round, examples, loss, accuracy }) => [
    run,
    String(round),
    String(examples),
    loss?.toFixed(4) ?? '-',
    accuracy?.toFixed(4) ?? '-',
  ])
  return `\nGlobal models on the test rows of this site, as it measured them itself\n${table(['run', 'round', 'test rows', 'loss', 'accuracy'], rows)}`
}
