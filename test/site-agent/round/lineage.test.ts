/** What a site asks of the coordinator's log before it works on a model, and before it countersigns a head. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogProof, LogProofRequest } from '@consilium/protos/control-messages.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { chain, type LogEntry, type NewEntry, noHead } from '@consilium/protos/log/entry.ts'
import { type MerkleTree, openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf, runStream } from '@consilium/protos/log/model-entry.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { signRollback } from '@consilium/protos/rollback.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defaultPolicy } from '../../../site-agent/policy.ts'
import type { Assignment } from '../../../site-agent/round/assignment.ts'
import { checkHead, checkLineage, type LineageSite } from '../../../site-agent/round/lineage.ts'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'
import { scriptedLink } from '../../support/scripted-link.ts'

const at = '2026-11-22T10:00:00.000Z'
const initial = 'a0'.repeat(32)
const model = (n: number) => `b${n}`.repeat(32)
const run = 'heart-1'

const noise = (n: number): NewEntry => ({ type: 'work-done', at, body: { site: `site-${n}` } })
const trained = (n: number): NewEntry => ({
  type: 'round-committed',
  at,
  body: { planHash: 'cc'.repeat(32), result: { purpose: 'train', parameters: model(n), examples: 5, loss: 0.1 } },
})
const coordinator = generateIdentity()
const rolledBack = (n: number, signer = coordinator): NewEntry => ({
  type: 'run-rolled-back',
  at,
  body: {
    round: n,
    parameters: model(n),
    reason: 'the curve went up',
    signature: Buffer.from(signRollback(signer, run, n, model(n))).toString('base64'),
  },
})

/** The coordinator's log of a run, and what it proves of it. */
class RunLog {
  readonly entries: LogEntry[] = []
  readonly tree: MerkleTree = openMerkleTree()

  add(...fresh: readonly NewEntry[]): this {
    const chained = chain(runStream(run), this.entries.length, this.entries.at(-1)?.hash ?? noHead, fresh)
    for (const entry of chained) {
      this.entries.push(entry)
      this.tree.append(entryLeaf(entry))
    }
    return this
  }

  head(size = this.tree.size) {
    return { size, root: Buffer.from(this.tree.root(size)).toString('hex') }
  }

  readonly prove = ({ oldSize, newSize, seq }: LogProofRequest): LogProof => ({
    consistency: this.tree.consistency(oldSize, newSize),
    inclusion: seq === undefined ? [] : this.tree.inclusion(seq, newSize),
    ...(seq === undefined ? {} : { entry: canonicalJson(this.entries[seq]) }),
  })
}

let folder: string
let store: SiteStore
let link: ReturnType<typeof scriptedLink>
let acceptsRollback = false
let log: RunLog
const { signal } = new AbortController()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'consilium-lineage-'))
  store = openSiteStore(folder)
  link = scriptedLink('mercy')
  acceptsRollback = false
  log = new RunLog().add(noise(0), noise(1), noise(2))
  link.prove = (request) => log.prove(request)
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

const site = (): LineageSite => ({
  store,
  link: link.link,
  coordinatorPublicKey: coordinator.publicKey,
  readPolicy: () => ({ ...defaultPolicy, rollback: { accept: acceptsRollback } }),
})

function assigned(fields: Partial<RoundPlan> = {}): Assignment {
  const plan: RoundPlan = {
    format: 2,
    run,
    study: 'dd'.repeat(32),
    round: 1,
    purpose: 'train',
    cohort: ['hope', 'mercy', 'saint-anne'],
    model: initial,
    logHead: log.head(),
    ...fields,
  }
  const manifest = { initialParameters: { sha256: initial, bytes: 4 } } as Assignment['study']['manifest']
  return { planHash: planHash(plan), plan, study: { hash: plan.study, manifest } }
}

const check = (assignment: Assignment) => checkLineage(assignment, site(), signal)
const refused = (assignment: Assignment, code: string, why: string) =>
  expect(check(assignment)).rejects.toMatchObject({ code, message: expect.stringContaining(why) })
/** As the agent does once every check has passed, and later when it hears how the round ended. */
function workOn({ planHash, plan }: Assignment, outcome?: 'committed' | 'failed'): void {
  store.journal.begin(planHash, plan)
  if (outcome) store.journal.over(planHash, outcome, '')
}

describe('a plan on the initial parameters', () => {
  test('needs no proof, and its head is kept', async () => {
    await check(assigned())
    expect(link.proofsAsked).toEqual([])
    expect(store.heads.find(run)).toEqual(log.head())
  })

  test('after a failed training round extends the head that was kept', async () => {
    const first = assigned()
    await check(first)
    workOn(first, 'failed')
    log.add(noise(3), noise(4))
    await check(assigned({ round: 2 }))
    expect(link.proofsAsked).toEqual([{ run, oldSize: 3, newSize: 5 }])
    expect(store.heads.find(run)?.size).toBe(5)
  })

  test('is refused once a training round was committed here', async () => {
    const first = assigned()
    await check(first)
    workOn(first, 'committed')
    log.add(trained(1))
    await refused(assigned({ purpose: 'evaluate' }), 'model-not-in-log', 'training round 1 was committed')
    await refused(assigned({ round: 2 }), 'model-not-in-log', 'training round 1 was committed')
    expect(store.heads.find(run)?.size).toBe(3)
  })

  test('is refused once this site has worked on a model that the log made', async () => {
    log.add(trained(1))
    await check(assigned({ round: 2, model: model(1), modelEntry: 3 }))
    await refused(assigned({ round: 3 }), 'model-not-in-log', 'entry 3 make a later model')
  })

  test('under which lies another model is refused', async () => {
    await refused(assigned({ model: model(1) }), 'model-not-in-log', 'names no entry')
  })
})

describe('a plan on a model of the log', () => {
  beforeEach(() => void log.add(trained(1), noise(4)))
  const second = (fields: Partial<RoundPlan> = {}) => assigned({ round: 2, model: model(1), modelEntry: 3, ...fields })

  test('is proven in one question, and kept with its entry', async () => {
    store.heads.accept(run, log.head(2))
    await check(second())
    expect(link.proofsAsked).toEqual([{ run, oldSize: 2, newSize: 5, seq: 3 }])
    expect(store.heads.find(run)).toEqual({ ...log.head(), model: { entry: 3, parameters: model(1) } })
  })

  test('is proven to a site that meets the run for the first time', async () => {
    await check(second())
    expect(link.proofsAsked).toEqual([{ run, oldSize: 0, newSize: 5, seq: 3 }])
  })

  test('of the same head and entry asks nothing again', async () => {
    await check(second())
    await check(second({ purpose: 'evaluate' }))
    expect(link.proofsAsked).toHaveLength(1)
  })

  test('of the same entry under a longer log asks for the log alone', async () => {
    await check(second())
    log.add(noise(5))
    await check(second({ round: 3 }))
    expect(link.proofsAsked[1]).toEqual({ run, oldSize: 5, newSize: 6 })
  })

  test('that is under way here may come again after a later head was signed', async () => {
    const plan = second()
    await check(plan)
    workOn(plan)
    store.heads.accept(run, log.add(noise(5), noise(6)).head())
    await check(plan)
    expect(link.proofsAsked).toHaveLength(1)
  })

  test('is remembered by an agent that starts again', async () => {
    await check(second())
    store.close()
    store = openSiteStore(folder)
    await refused(assigned({ round: 3 }), 'model-not-in-log', 'entry 3 make a later model')
  })

  test.for([
    ['another model than the entry made', { model: model(2) }, 'model-not-in-log', 'made b1b1'],
    ['an entry that made no model', { modelEntry: 4 }, 'model-not-in-log', 'made no global model'],
    ['an entry beyond the head', { modelEntry: 5 }, 'model-not-in-log', 'not below'],
  ] as const)('with %s is refused', async ([, fields, code, why]) => {
    await refused(second(fields), code, why)
    expect(store.heads.find(run)).toBeUndefined()
  })

  test('never goes back to an earlier entry', async () => {
    log.add(trained(2))
    await check(second({ model: model(2), modelEntry: 5 }))
    await refused(second({ round: 3 }), 'model-not-in-log', 'entry 3 comes before entry 5')
  })

  test('never gives the entry it knows another model', async () => {
    await check(second())
    await refused(second({ round: 3, model: model(2) }), 'model-not-in-log', 'entry 3 made b1b1')
  })

  test.for([
    ['no entry', (proof: LogProof) => ({ ...proof, entry: undefined }), 'did not send entry 3'],
    ['another entry', (proof: LogProof) => ({ ...proof, entry: canonicalJson(log.entries[4]) }), 'not entry 3'],
    [
      'an entry that was changed and hashed anew',
      (proof: LogProof) => ({
        ...proof,
        entry: canonicalJson(new RunLog().add(...Array(3).fill(noise(9)), trained(1)).entries[3]),
      }),
      'is not in the log',
    ],
    [
      'an entry that was changed',
      (proof: LogProof) => ({
        ...proof,
        entry: Buffer.from(Buffer.from(proof.entry!).toString().replace('0.1', '0.2')),
      }),
      'not entry 3',
    ],
    [
      'an entry in another form of JSON',
      (proof: LogProof) => ({ ...proof, entry: Buffer.concat([proof.entry!, Buffer.from(' ')]) }),
      'not entry 3',
    ],
    ['no audit path', (proof: LogProof) => ({ ...proof, inclusion: [] }), 'is not in the log'],
    [
      'an audit path cut short',
      (proof: LogProof) => ({ ...proof, inclusion: proof.inclusion.slice(1) }),
      'is not in the log',
    ],
  ] as const)('is refused where the coordinator answers with %s', async ([, tamper, why]) => {
    link.prove = (request) => tamper(log.prove(request)) as LogProof
    await refused(second(), 'model-not-in-log', why)
  })

  test('waits while the coordinator cannot be asked: nothing is kept', async () => {
    link.unreachable = true
    await expect(check(second())).rejects.toMatchObject({ code: 'link-down' })
    expect(store.heads.find(run)).toBeUndefined()
    link.unreachable = false
    await check(second())
  })
})

describe('a run taken back to an earlier model', () => {
  beforeEach(async () => {
    log.add(trained(1), trained(2))
    await check(assigned({ round: 3, model: model(2), modelEntry: 4 }))
    log.add(rolledBack(1))
  })
  const back = () => assigned({ round: 4, model: model(1), modelEntry: 5 })

  test('is refused where the policy does not say otherwise', async () => {
    await refused(back(), 'rollback-refused', 'rollback.accept')
    expect(store.heads.find(run)?.model?.entry).toBe(4)
  })

  test('is accepted where the policy accepts it', async () => {
    acceptsRollback = true
    await check(back())
    expect(store.heads.find(run)?.model).toEqual({ entry: 5, parameters: model(1) })
    expect(store.heads.rollbacks(run)).toBe(1)
    log.add(trained(4))
    await check(assigned({ round: 5, model: model(4), modelEntry: 6 }))
    await check(assigned({ round: 5, model: model(4), modelEntry: 6 }))
    expect(store.heads.rollbacks(run)).toBe(1)
  })

  test('by somebody else than the coordinator is refused in any case', async () => {
    acceptsRollback = true
    log.add(rolledBack(1, generateIdentity()))
    await refused(assigned({ round: 4, model: model(1), modelEntry: 6 }), 'signature-invalid', 'takes run heart-1 back')
  })

  test('without an entry that says so is refused in any case', async () => {
    acceptsRollback = true
    await refused(assigned({ round: 4, model: model(1), modelEntry: 3 }), 'model-not-in-log', 'comes before entry 4')
  })
})

describe('a forked log', () => {
  const fork = () => new RunLog().add(noise(0), noise(9), noise(2))

  test('of the same size is refused without a question', async () => {
    await check(assigned())
    await refused(assigned({ round: 2, logHead: fork().head() }), 'log-forked', 'not the ones')
    expect(link.proofsAsked).toEqual([])
  })

  test('that is shorter is refused without a question', async () => {
    await check(assigned())
    await refused(assigned({ round: 2, logHead: log.head(2) }), 'log-forked', 'taken away')
    expect(link.proofsAsked).toEqual([])
  })

  test('that is longer is refused: no proof joins it to the head kept here', async () => {
    await check(assigned())
    const other = fork().add(noise(4))
    link.prove = other.prove
    await refused(assigned({ round: 2, logHead: other.head() }), 'log-forked', 'do not begin with')
    log.add(noise(4))
    link.prove = (request) => ({ ...log.prove(request), consistency: [] })
    await refused(assigned({ round: 2 }), 'log-forked', 'do not begin with')
    expect(store.heads.find(run)?.size).toBe(3)
  })

  test('of no entries with a root is refused', async () => {
    await refused(assigned({ logHead: { size: 0, root: initial } }), 'log-forked', 'empty log')
  })
})

describe('the head that survivors countersign', () => {
  let plan: RoundPlan
  beforeEach(async () => {
    plan = assigned().plan
    await check(assigned())
  })
  const checkThis = (head = log.head()) => checkHead(plan, head, site(), signal)

  test('extends the plan', async () => {
    log.add(noise(3), noise(4))
    await checkThis()
    expect(link.proofsAsked).toEqual([{ run, oldSize: 3, newSize: 5 }])
  })

  test('that is the one kept already asks nothing', async () => {
    await checkThis()
    store.heads.accept(run, log.add(noise(3)).head())
    await checkThis()
    expect(link.proofsAsked).toEqual([])
  })

  test('that is none of this log, or shorter, is refused', async () => {
    log.add(noise(3))
    const other = new RunLog().add(noise(9), noise(1), noise(2), noise(3))
    await expect(checkThis(other.head())).rejects.toMatchObject({ code: 'log-forked' })
    await expect(checkThis(other.head(3))).rejects.toMatchObject({ code: 'log-forked' })
    await expect(checkThis(log.head(2))).rejects.toMatchObject({ code: 'log-forked' })
  })

  test('never goes behind the one that was kept since', async () => {
    store.heads.accept(run, log.add(noise(3), noise(4)).head())
    await expect(checkThis(log.head(4))).rejects.toMatchObject({ code: 'log-forked' })
  })
})

test('heads that were kept never go backwards, whoever asks', () => {
  store.heads.accept(run, log.head(), { entry: 2, parameters: model(1) })
  const back = [
    () => store.heads.accept(run, log.head(2)),
    () => store.heads.accept(run, { ...log.head(), root: initial }),
    () => store.heads.accept(run, log.head(), { entry: 1, parameters: model(1) }),
  ]
  for (const accept of back) expect(accept).toThrow('has accepted a later head')
  store.heads.accept(run, log.add(noise(3)).head())
  expect(store.heads.find(run)).toEqual({ ...log.head(), model: { entry: 2, parameters: model(1) } })
})
