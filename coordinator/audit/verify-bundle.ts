/**
 * Verifies the audit bundle of a run with nothing but the roster that the auditor brings along. The first line that does
 * not hold ends it; what was found up to there is told all the same.
 */
import { errorMessage } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import type { Checkpoint } from '@consilium/protos/log/checkpoint.ts'
import { chainStart, follow, type LogEntry } from '@consilium/protos/log/entry.ts'
import { openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { readFederationEvent } from '../federation/events.ts'
import { readRunEvent, runStream } from '../run/events.ts'
import { decodeMessage } from '../summing/stored-messages.ts'
import type { RoundReport, TakenReport } from './audited-run.ts'
import { type BundleLine, bundleLineSchema, objectNamedBy } from './bundle.ts'
import { auditFederation } from './federation-audit.ts'
import { hex, present, require } from './refuse.ts'
import type { AuditRoster } from './roster.ts'
import { auditRun, type Objects } from './run-audit.ts'

export type BundleReport = {
  readonly ok: boolean
  readonly federation: string
  readonly run: string
  /** How the run ended; `running` where the bundle was made before that. */
  readonly state: string
  /** Entries of both streams that hold. */
  readonly entries: number
  /** Merkle root of the run's stream; empty where the bundle does not hold. */
  readonly root: string
  /** Fingerprint of the coordinator's key; empty where the bundle does not hold. */
  readonly coordinator: string
  readonly rounds: readonly RoundReport[]
  /** Means that came from the statistics of other runs. */
  readonly taken: readonly TakenReport[]
  /** What is wrong with the first bad line. */
  readonly errors: readonly string[]
}

/** One line as it was read: canonical or not, and where it stands. */
export type ReadLine = { readonly where: string; readonly value: unknown; readonly isCanonical?: boolean }

export async function verifyBundle(
  lines: AsyncIterable<ReadLine> | Iterable<ReadLine>,
  roster: AuditRoster,
): Promise<BundleReport> {
  let bundle: Bundle | undefined
  let where = 'line 1'
  try {
    let number = 0
    for await (const line of lines) {
      number += 1
      where = `line ${number}`
      const parsed = bundleLineSchema.safeParse(line.value)
      require(parsed.success, 'it is no line of an audit bundle')
      require(line.isCanonical !== false, 'it was changed: it is not in canonical form')
      if ('entry' in parsed.data) where = `entry ${parsed.data.entry.seq} of stream ${parsed.data.entry.stream}`
      if (bundle) bundle.take(parsed.data)
      else bundle = openBundle(parsed.data, roster)
    }
    where = 'the bundle'
    return present(bundle, 'it is empty').finish()
  } catch (error) {
    const nothing = { federation: '', run: '', state: '', entries: 0, rounds: [], taken: [] }
    const errors = [`${where}: ${errorMessage(error)}`]
    return { ...(bundle?.sofar() ?? nothing), ok: false, root: '', coordinator: '', errors }
  }
}

type Sofar = Pick<BundleReport, 'federation' | 'run' | 'state' | 'entries' | 'rounds' | 'taken'>
type Bundle = { take(line: BundleLine): void; sofar(): Sofar; finish(): BundleReport }

function openBundle(first: BundleLine, roster: AuditRoster): Bundle {
  require('header' in first, 'a bundle begins with its header')
  const { header } = first
  const federation = auditFederation(header.run, roster)
  const streams = { federation: openStream(federationStream), run: openStream(runStream(header.run)) }
  const run = auditRun(header.run, federation, streams.run.tree)
  const checkpoints: Checkpoint[] = []
  let object: { readonly sha256: Sha256; readonly text: string } | undefined
  let pieces: Pieces | undefined

  function takeEntry(entry: LogEntry): void {
    require(checkpoints.length === 2, 'an entry comes before the checkpoints')
    if (entry.stream === federationStream) {
      require(streams.run.length() === 0, 'entries of the federation come before those of the run')
      require(object === undefined && pieces === undefined, 'the object before it is not one that it names')
      streams.federation.take(entry)
      federation.take(readFederationEvent(entry))
      return
    }
    if (streams.run.length() === 0) federation.checkCoordinator()
    streams.run.take(entry)
    const event = readRunEvent(entry)
    const signedStudy = event.type === 'run-started' ? federation.studyObject(event.study) : undefined
    require(object?.sha256 === objectNamedBy(entry, signedStudy), 'the object before it is not the one that it names')
    run.take(event, entry.seq, objectsOf(event.type, object?.text, pieces && wholeOf(pieces)))
    object = undefined
    pieces = undefined
  }

  function take(line: BundleLine): void {
    require(!('header' in line), 'a bundle has one header')
    if ('entry' in line) takeEntry(line.entry)
    else if ('checkpoint' in line) {
      require(checkpoints.length < 2 && streams.federation.length() === 0, 'two checkpoints follow the header')
      checkpoints.push(line.checkpoint)
    } else if ('piece' in line) pieces = withPiece(pieces, line)
    else takeObject(line)
  }

  function takeObject({ object: sha256, text }: Extract<BundleLine, { object: string }>): void {
    require(object === undefined, 'two objects follow each other')
    const isNamedRight = sha256Hex(Buffer.from(text, 'utf8')) === sha256
    require(isNamedRight, 'its text does not have the SHA-256 it is named by')
    object = { sha256, text }
  }

  const sofar = (): Sofar => ({
    federation: header.federation,
    run: header.run,
    state: run.ended ?? 'running',
    entries: streams.federation.length() + streams.run.length(),
    rounds: run.rounds(),
    taken: run.taken(),
  })
  return {
    take,
    sofar,
    finish() {
      require(object === undefined && pieces === undefined, 'no entry follows its last object')
      require(header.federation === federation.name, 'its header names another federation')
      federation.checkCoordinator()
      require(streams.run.length() > 0, `it has no entry of run ${header.run}`)
      for (const stream of [streams.federation, streams.run]) {
        const checkpoint = checkpoints.find(({ stream: of }) => of === stream.name)
        federation.checkCheckpoint(present(checkpoint, `it has no checkpoint of ${stream.name}`))
        stream.checkHead(checkpoint!)
      }
      checkAnchor(header.run, federation.anchor, streams.run)
      require(federation.anchor === undefined ||
        run.ended === federation.anchor.outcome, 'its run did not end as the federation says')
      const coordinator = fingerprint(federation.coordinatorKeys.at(-1)!)
      return { ...sofar(), ok: true, root: streams.run.root(), coordinator, errors: [] }
    },
  }
}

type Stream = ReturnType<typeof openStream>

/** One stream so far: its hash chain and its Merkle tree. */
function openStream(name: string) {
  const tree = openMerkleTree()
  let end = chainStart
  const root = () => hex(tree.root())
  return {
    name,
    tree,
    root,
    head: () => end.head,
    length: () => end.length,
    take(entry: LogEntry): void {
      require(entry.stream === name, `it is of stream ${entry.stream}, which is not part of this bundle`)
      end = follow(end, entry)
      tree.append(entryLeaf(entry))
    },
    checkHead({ size, root: signed }: Checkpoint): void {
      require(size === end.length, `stream ${name} has ${end.length} entries, its checkpoint covers ${size}`)
      require(root() === signed, `the Merkle root of stream ${name} is not the one that the coordinator signed`)
    },
  }
}

/** How the federation's stream anchors a run that has ended. */
function checkAnchor(
  run: RunId,
  anchor: { readonly entries: number; readonly head: string; readonly root?: string } | undefined,
  stream: Stream,
): void {
  if (!anchor) return
  const isSame = anchor.entries === stream.length() && anchor.head === stream.head()
  require(isSame &&
    (anchor.root ?? stream.root()) === stream.root(), `the federation anchors another log of run ${run}`)
}

const withBytes: readonly string[] = ['run-started', 'round-committed', 'columns-taken']

function objectsOf(type: string, text: string | undefined, bytes: Uint8Array | undefined): Objects {
  require(bytes === undefined || withBytes.includes(type), 'it names no parameters or sum')
  const json = text === undefined ? undefined : Buffer.from(text, 'utf8')
  if (!json) return { study: undefined, message: undefined, bytes }
  return type === 'run-started'
    ? { study: readSignedStudy(json), message: undefined, bytes }
    : { study: undefined, message: decodeMessage(json), bytes }
}

/** Parameters or a sum, as far as they have come. */
type Pieces = { readonly sha256: Sha256; readonly chunks: readonly Uint8Array[]; readonly bytes: number }

/** What is recomputed has to fit into memory. */
const piecesBytesMax = 2 ** 31

function withPiece(before: Pieces | undefined, line: Extract<BundleLine, { piece: string }>): Pieces {
  const { chunks, bytes } = before ?? { chunks: [], bytes: 0 }
  require(before === undefined || before.sha256 === line.piece, 'two objects follow each other')
  const chunk = Buffer.from(line.base64, 'base64')
  require(bytes + chunk.length <= piecesBytesMax, 'its sums are too large to compute with: export it without them')
  return { sha256: line.piece, chunks: [...chunks, chunk], bytes: bytes + chunk.length }
}

function wholeOf({ sha256, chunks }: Pieces): Uint8Array {
  const whole = Buffer.concat(chunks)
  require(sha256Hex(whole) === sha256, 'the pieces before it do not have the SHA-256 they are named by')
  return whole
}
