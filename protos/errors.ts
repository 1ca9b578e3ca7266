/**
 * The one error class of the house: a closed union of codes, so that every boundary (gRPC status, exit code, log line)
 * is chosen in one place. The message names the cause and the next step, and never holds a patient's value.
 */

/** Each with what it means, when that is normal, and what to do; `npm run errors` makes `errors.md` of these. */
export type ErrorCode =
  // What a person wrote: a study, a site's configuration, a command.
  /**
   * A command or a call was given something it does not take. Normal: after a typing error. Do: read what the message
   * names; `--help` shows what is allowed.
   */
  | 'invalid-argument'
  /**
   * A study file is not what a study is: a field, a value, or fields that contradict each other. Normal: while a study
   * is being written. Do: mend the field that the message names.
   */
  | 'invalid-study'
  /**
   * `site.yaml` or `policy.yaml` of a site is wrong, contradicts itself or cannot be read. Normal: while a site is
   * being set up. Do: mend the file, line and field that the message names, then `site-agent check`.
   */
  | 'invalid-site-config'
  /**
   * There is no such site, study, run or object here. Normal: after a typing error, or where a study was never
   * offered. Do: list what there is (`list`), and take one of those.
   */
  | 'not-found'
  /**
   * What was to be made is there already. Normal: where a command is given twice. Do: use the one that is there, or
   * another name.
   */
  | 'already-exists'
  // Models and graphs.
  /**
   * A file is no ONNX model, or one that contradicts itself. Normal: with a damaged file or an exporter’s fault. Do:
   * export the model again.
   */
  | 'invalid-onnx'
  /**
   * A model holds an operator, or an attribute, that no site runs. Normal: with exotic layers. Do: express the model
   * by the operators listed in `models/README.md`.
   */
  | 'operator-refused'
  /**
   * No gradient flows through an operator that stands between the parameters and the loss. Normal: with rounding,
   * comparisons or lookups in the path. Do: take the operator out of the path, or freeze what is before it.
   */
  | 'no-gradient'
  /**
   * Two tensors, or parameters and their layout, do not fit together. Normal: while a model is being written. Do:
   * compare the shapes that the message names.
   */
  | 'shape-mismatch'
  // A site's data.
  /**
   * The site’s view lacks a column that the study needs. Normal: before the view of a new study is written. Do: add
   * the column to `view` in `site.yaml`, then `site-agent check`.
   */
  | 'data-missing-column'
  /**
   * A column holds another type than the study says, or a cell that does not fit. Normal: after an export changed. Do:
   * mend the cell or the cast that the message names by column and row.
   */
  | 'data-wrong-type'
  /**
   * A value is outside the range, or a level outside the list, that the study gives. Normal: with units mixed up or
   * typing errors in records. Do: look at the row that the message names; convert units in the view.
   */
  | 'data-out-of-range'
  /**
   * A file here is empty, or no row is left for training. Normal: where a filter takes all rows, or an export is not
   * done. Do: look at the file, the view and the missing values.
   */
  | 'data-empty'
  /**
   * The site’s `view` does what no view may: it writes, reads elsewhere, or depends on the moment. Normal: while a
   * view is being written. Do: write one SELECT over the tables of `site.yaml`.
   */
  | 'data-query-refused'
  /**
   * A data file is not there or cannot be read. Normal: while an export is being replaced. Do: give the agent’s
   * account the right to read it, or put it back.
   */
  | 'data-unreadable'
  /**
   * The site has fewer rows or patients for a study than its policy asks for. Normal: at small hospitals. Do: a person
   * there may accept it: `site-agent study show` says what that means.
   */
  | 'data-too-few'
  /**
   * A few test rows changed since an evaluation that the site was in, so that the difference of two would tell of them.
   * Normal: after corrections, objections and late records. Do: nothing: the site trains, and evaluates again once
   * `rows.testRowsMin` rows differ; or lower that.
   */
  | 'data-changed'
  /**
   * A site’s data do not fit the study as they are. It is all that leaves a site of the codes above, of a wrong
   * `site.yaml` or `policy.yaml` and of a limit, as a study is taken up. Normal: before a study’s first run. Do: people at the site read its log or `site-agent status`; nobody else can know more.
   */
  | 'data-not-ready'
  // Identity and access.
  /**
   * A call came without a certificate of this federation. Normal: with a state folder that never joined. Do:
   * `site-agent join` with a join code.
   */
  | 'unauthenticated'
  /**
   * The caller may not do this, or not see it; or a file that it needs may not be read, or a policy says otherwise.
   * Normal: it is not, but after a typing error. Do: what the message names: mend the file’s owner, change policy.yaml, or
   * ask the coordinator’s operator.
   */
  | 'permission-denied'
  /** The join code is none of this coordinator’s. Normal: after a typing error. Do: copy the code again, whole. */
  | 'join-code-invalid'
  /** The join code is too old. Normal: after a day. Do: have the operator make a new one: `consilium site add`. */
  | 'join-code-expired'
  /**
   * The join code was used before. Normal: where a site joined already. Do: if nobody here used it, tell the operator:
   * somebody else did.
   */
  | 'join-code-used'
  /**
   * Too many calls of a kind came from one address or site. Normal: where something tries in a loop. Do: wait as long
   * as the message says.
   */
  | 'rate-limited'
  /**
   * The site’s certificate ran out while its agent was off. Normal: after months without the agent. Do: have the
   * operator make a join code, and join again.
   */
  | 'certificate-expired'
  /**
   * The operator ended this site’s membership, or the certificate was replaced by a newer one. Normal: when a hospital
   * leaves, or a machine was lost, or an old copy of the agent runs. Do: ask the operator; join again where that is agreed.
   */
  | 'certificate-revoked'
  /**
   * Something is not signed by whom it should be. Normal: it is not. Do: do not go on: compare the fingerprints by
   * telephone.
   */
  | 'signature-invalid'
  /**
   * Agent and coordinator are of versions that do not work together. Normal: during an upgrade. Do: bring both to the
   * same version.
   */
  | 'version-unsupported'
  /**
   * Another agent attends with this site’s identity, so this one is not admitted. Normal: where a machine was copied,
   * or an old agent still runs. Do: stop one of the two; if nobody here runs the other, have the site revoked.
   */
  | 'already-attending'
  // Studies and consent.
  /**
   * The site has not approved the study, or took its approval back. Normal: before people there have decided. Do:
   * `site-agent study show`, then `approve` or `reject`.
   */
  | 'study-unapproved'
  /**
   * A study was changed after this site approved it, so it is another one. Normal: after its author edited it. Do:
   * read it again and approve it again.
   */
  | 'study-altered'
  /**
   * A study is signed by a lead that the site did not approve it for. Normal: when a lead changed keys. Do: compare
   * the fingerprint, and approve it again.
   */
  | 'lead-unknown'
  /**
   * A study breaks a rule of the site’s policy that no person there accepted, or `policy.yaml` cannot be read. Normal:
   * with studies that ask for more than usual, and while the policy is changed. Do: a person there reads `site-agent
   * study show` and accepts the rules it names, rejects the study, or mends the line that the site’s log names.
   */
  | 'policy-refused'
  // Rounds and transfers.
  /**
   * A message is about a round that is over, or goes on without this site; or a run cannot go back to that round; or a
   * newer call of the same agent took over. Normal: after an outage. Do: nothing: the next round takes the site in again.
   */
  | 'stale-round'
  /** A site is not in the round that it was asked or spoke for. Normal: it is not. Do: look into the coordinator’s log. */
  | 'not-in-cohort'
  /**
   * Too few sites are there, or have approved one another, for a round. Normal: while hospitals join. Do: see who is
   * missing in `consilium run watch`.
   */
  | 'cohort-too-small'
  /**
   * Too many sites dropped out of a round. Normal: in outages of several hospitals. Do: the next round starts by
   * itself; two failed ones in a row end the run.
   */
  | 'quorum-lost'
  /**
   * Fewer sites contributed to a sum than it must have: the others gave zeros. Normal: where data went missing at
   * several sites. Do: each site’s status says whether and why it gave nothing; people there look, then `site-agent
   * study resume`.
   */
  | 'too-few-contributors'
  /**
   * An update or a sum is not to be used: not finite, too long, masks left in it, or more than half exactly zero.
   * Normal: with diverging training, or a model that learns from few of its parts here. Do: lower the learning rate; for
   * zeros, people at the site may accept the rule `zeros`; else read the coordinator’s log.
   */
  | 'update-invalid'
  /**
   * Something that came does not have the hash it is named by. Normal: with a damaged disk or line. Do: try again; if
   * it comes back, check disk and memory.
   */
  | 'hash-mismatch'
  /**
   * A transfer was to go on where the other end does not stand. Normal: it is not: both ends settle it by themselves. Do:
   * look into both logs.
   */
  | 'offset-mismatch'
  /**
   * Something is larger than its limit. Normal: it is not with files of usual size. Do: read which limit the message
   * names.
   */
  | 'limit-exceeded'
  /**
   * A message has a field that cannot be. Normal: it is not between equal versions. Do: bring both ends to the same
   * version; else somebody lies.
   */
  | 'message-invalid'
  // Secure aggregation: what a site checks of the coordinator and of its peers (fedsum, S1 to S7).
  /**
   * A plan names another key for a site than the one pinned here, or one that the coordinator had revoked. Normal: when a
   * hospital made a new identity. Do: have its fingerprint read out, then `site-agent roster approve`.
   */
  | 'roster-mismatch'
  /**
   * A plan adds fewer sites, or allows for fewer colluders, than study and policy ask for. Normal: it is not with an
   * honest coordinator. Do: ask the coordinator’s operator.
   */
  | 'thresholds-refused'
  /**
   * A plan starts from a model that no entry of the run’s log made. Normal: it is not with an honest coordinator. Do: ask
   * the coordinator’s operator; keep the site’s log.
   */
  | 'model-not-in-log'
  /**
   * The coordinator showed two logs of one run, or one that lost entries. Normal: after a coordinator was restored
   * from an old copy. Do: ask its operator; it takes part in nothing of that run.
   */
  | 'log-forked'
  /**
   * A run was taken back to an earlier model, and the policy here does not go along. Normal: after a roll-back. Do:
   * set `rollback.accept` in `policy.yaml` if that is right.
   */
  | 'rollback-refused'
  /** The keys of a session do not verify, or are for another model. Normal: it is not. Do: keep the log: somebody lies. */
  | 'directory-invalid'
  /**
   * Shares of a session do not verify, or too few sites shared. Normal: it is not. Do: keep the log: a peer or the
   * coordinator lies.
   */
  | 'shares-invalid'
  /**
   * A sum was to be opened that is too small, without this site, or not of all partners. Normal: where a partner is
   * lost late in an evaluation. Do: nothing where a site was lost; else keep the log.
   */
  | 'survivors-invalid'
  /** A second set of survivors was shown for one session. Normal: it is not. Do: keep the log: the coordinator lies. */
  | 'survivors-conflict'
  /** Too few sites signed the survivors that this site confirmed. Normal: it is not. Do: keep the log. */
  | 'quorum-invalid'
  /**
   * This site has masked an update to this round before. Normal: after a coordinator lost its state. Do: ask its
   * operator to start a new run.
   */
  | 'already-uploaded'
  /**
   * A round of statistics or evaluation is to be attempted again, and this is not the one before once more, or this site
   * has revealed its shares for that one. Normal: it is not. Do: keep the log: the coordinator lies, or lost its state.
   */
  | 'attempt-refused'
  /**
   * Two sums of the same training from the same model would differ by a few sites, whose sum the difference is.
   * Normal: where a study is run again with a hospital away. Do: wait for the same sites, or go on from that run’s
   * model (`consilium study create --from-run`).
   */
  | 'cohort-differencing'
  /**
   * Statistics or an evaluation are for other sites than those this site settled on for the study, or of a model that
   * was evaluated among others. Normal: where a run
   * was started while a hospital was away for good. Do: wait for it; or the lead signs a change: `consilium study
   * partners <study> --without NAME`.
   */
  | 'other-partners'
  /**
   * A change of partners does not follow from how things stand: another set before it, another number, too few sites
   * left, or not the lead who signed the study. Normal: where two changes cross. Do: the lead looks at `consilium study
   * partners` and signs the change anew; at a site: ask the lead by telephone what was signed.
   */
  | 'partners-refused'
  /**
   * A column of the hospitals’ views is summed once, in all studies: it was, or is being, among other sites or in another
   * form. Normal: where a study reads as a category what another one read as a number, or where the statistics of an
   * earlier run failed half-way. Do: what the message names; or the study standardises `per-site`; or the hospitals show
   * the column under another name.
   */
  | 'column-summed'
  /**
   * This site would tell a little of itself once more than its policy allows: it came and went too often, or was in
   * too many nearly equal evaluations. Normal: over very bad lines. Do: people at the site raise the limit that the
   * message names, or leave it.
   */
  | 'exposures-exceeded'
  /**
   * The secrets of a session are not here any more, so this site drops out of the round. Normal: after a disk was lost
   * or restored. Do: nothing: it is in the next round.
   */
  | 'session-lost'
  /**
   * A peer’s ledger of sessions went back: it was restored from an old copy. Normal: after a hospital restored a
   * backup. Do: people at that hospital run `site-agent recover`.
   */
  | 'peer-restored'
  /**
   * This site was restored from an old copy and does not know what it signed since. Normal: after a backup was
   * restored. Do: `site-agent recover`, once, by a person.
   */
  | 'site-restored'
  /**
   * A recovery was asked for where nothing says that the site, or the coordinator, was restored. Normal: after
   * `site-agent recover` or `consilium recover` by mistake. Do: nothing: nothing was changed.
   */
  | 'not-restored'
  /**
   * The coordinator runs from an old copy of its home folder: a site has its signature on more than its log holds. It runs
   * nothing until its operator has decided. Normal: after a backup was put back. Do: its operator reads
   * `coordinator/RECOVER.md`, then `consilium recover`; sites wait.
   */
  | 'coordinator-restored'
  /**
   * The coordinator was restored from an old copy and recovered, and nobody here has said that this site goes along. Normal:
   * after a restore there. Do: ask its operator what was lost, then `site-agent coordinator accept`, or set
   * `recovery.accept` in `policy.yaml`, which does not hold while sites are offered that had been revoked.
   */
  | 'recovery-refused'
  /**
   * A sum is not that of what was masked, or makes another model than is said; or nobody vouches for what a plan
   * starts from. Normal: it is not with an honest coordinator. Do: keep the log: the coordinator lies, or its disk does.
   */
  | 'sum-not-verified'
  /**
   * Too few sites found the sum of a round right, so it made no model. Normal: it is not with an honest coordinator. Do:
   * the next round starts from the model before; two in a row end the run.
   */
  | 'round-unverified'
  /**
   * The coordinator shows another signing key, without the signature of the pinned one. Normal: after its keys were
   * lost. Do: compare the new fingerprint by telephone, and join again.
   */
  | 'coordinator-key-changed'
  // The log and the stores.
  /**
   * A log or a bundle does not hold: changed, cut or badly signed. Normal: it is not. Do: name the entry in the message to
   * whoever gave it.
   */
  | 'log-broken'
  /** Two processes wrote to one log. Normal: where two coordinators run on one home. Do: stop one of them. */
  | 'append-conflict'
  /**
   * The disk refused: full, read-only, or without permission. Normal: on a full disk. Do: make room or give the rights
   * that the message names; what waits goes on then.
   */
  | 'store-failed'
  // Processes and links.
  /**
   * The training process at a site died. Normal: with too little memory. Do: give the machine more memory, or lower
   * the batch size.
   */
  | 'trainer-failed'
  /**
   * Something is wrong at a site’s machine, disk, keys or trainer; in statistics and evaluations, where sums are
   * compared, with its data too. It is all that leaves of that. Normal: on a full disk, or where data went missing. Do:
   * people at the site read its log or `site-agent status`, mend it, and where it stands out: `site-agent study resume`.
   */
  | 'site-fault'
  /**
   * The other end does not answer. Normal: in outages. Do: nothing: it is tried again; check address and proxy if it
   * stays.
   */
  | 'link-down'
  /** Somebody ended it. Normal: after Ctrl-C or `cancel`. Do: nothing. */
  | 'cancelled'
  /** A fault of Consilium’s own. Normal: it is not. Do: report it with the log. */
  | 'internal'

export class FederationError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FederationError'
    this.code = code
  }
}

/** The code of any thrown value: its own for a {@link FederationError}, else `internal`. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof FederationError ? error.code : 'internal'
}

/** The message of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What the operating system refused, such as a path that is no folder, as an error of ours; undefined for other values. */
export function refusedBySystem(error: unknown): FederationError | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'errno' in error)) return undefined
  return new FederationError('store-failed', error.message, { cause: error })
}
