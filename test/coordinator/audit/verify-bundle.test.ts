/** An audit bundle holds as an honest coordinator writes it, and whatever is changed in it is found and named. */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fingerprint, generateIdentity, type Identity, sign } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import type { SummedColumn } from '@consilium/protos/plan/columns.ts'
import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { complaintMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bundleLines } from '../../../coordinator/audit/bundle.ts'
import { type BundleReport, verifyBundle } from '../../../coordinator/audit/verify-bundle.ts'
import { linesOf } from '../../../coordinator/cli/log-source.ts'
import { collect } from '../../support/collect.ts'
import {
  at,
  base64,
  coordinator,
  cutAt,
  names,
  noModel,
  retell,
  roster,
  runId,
  sites,
  type Tamper,
  type Tampering,
  type WrittenRun,
  writeRun,
} from './a-bundle.ts'

const linesOfRun = (run: WrittenRun, sums = true) => collect(bundleLines(run, runId, { sums }))
const asFile = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''))
const verify = (lines: readonly string[], given = roster): Promise<BundleReport> =>
  verifyBundle(linesOf([asFile(lines)]), given)

const honest = writeRun()
const honestLines = await linesOfRun(honest)
const short = writeRun({ isShort: true })
const shortLines = await linesOfRun(short)

describe('an honest bundle', () => {
  const counts = { advertised: 4, shared: 4, survivors: 3, confirmations: 3, releases: 3, threshold: 3 }

  test('holds, and tells what each round came to', async () => {
    const report = await verify(honestLines)
    expect(report).toMatchObject({
      ok: true,
      errors: [],
      federation: 'hearts',
      run: runId,
      state: 'finished',
      entries: honest.entries.federation.length + honest.entries.run.length,
      root: (await honest.signedHead(`run/${runId}`)).root,
      coordinator: fingerprint(coordinator.publicKey),
    })
    expect(report.rounds).toEqual(
      (
        [
          [0, 'statistics'],
          [1, 'train'],
          [1, 'evaluate'],
          [2, 'train'],
        ] as const
      ).map(([round, purpose]) => ({
        round,
        purpose,
        mode: 'secure',
        outcome: 'committed',
        cohort: names,
        counts,
        remade: true,
      })),
    )
  })

  test('without sums holds too, and says that nothing was made again', async () => {
    const lines = await linesOfRun(honest, false)
    expect(lines.some((line) => line.includes('"piece"'))).toBe(false)
    const { ok, rounds } = await verify(lines)
    expect([ok, ...rounds.map(({ remade }) => remade)]).toEqual([true, false, false, false, false])
  })

  test('holds against a roster of whole keys', async () => {
    const whole = Object.fromEntries(sites.map(({ name, publicKeyBase64 }) => [name, publicKeyBase64]))
    expect((await verify(shortLines, { coordinator: base64(coordinator.publicKey), sites: whole })).ok).toBe(true)
  })

  test('may be of a run that goes on, cut off anywhere', async () => {
    const { length } = honest.entries.run
    for (const size of [1, 2, 9, 30, Math.floor(length / 2), length - 1]) {
      const report = await verify(await linesOfRun(cutAt(honest, size)))
      expect(report).toMatchObject({ errors: [], ok: true, state: 'running' })
    }
  })

  test('may be of a run in sealed mode', async () => {
    const { ok, rounds } = await verify(await linesOfRun(writeRun({ mode: 'sealed' })))
    expect(ok).toBe(true)
    expect(rounds).toHaveLength(4)
    expect(rounds[1]).toEqual({ round: 1, purpose: 'train', mode: 'sealed', outcome: 'committed', cohort: names })
  })

  test('is read line by line, in canonical form', () => {
    for (const line of honestLines) expect(canonicalJson(JSON.parse(line)).toString()).toBe(line)
  })
})

describe('a bundle that was changed', () => {
  test('in any byte is refused', async () => {
    const bytes = asFile(shortLines)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
        const changed = Buffer.from(bytes)
        changed[offset]! ^= mask
        const { ok, errors } = await verifyBundle(linesOf([changed]), roster)
        expect({ offset, mask, ok, errors: errors.length }).toEqual({ offset, mask, ok: false, errors: 1 })
      }),
      { numRuns: 40 },
    )
  })

  const firstOf = (kind: string) => shortLines.findIndex((line) => line.startsWith(`{"${kind}"`))
  const lastEntry = shortLines.length - 1
  test.for([
    ['without its header', shortLines.slice(1), 'line 1: a bundle begins with its header'],
    ['without a checkpoint', shortLines.toSpliced(1, 1), 'an entry comes before the checkpoints'],
    ['with a checkpoint twice', shortLines.with(2, shortLines[1]!), `it has no checkpoint of run/${runId}`],
    ['with two headers', shortLines.toSpliced(1, 0, shortLines[0]!), 'line 2: a bundle has one header'],
    ['without its last entry', shortLines.slice(0, -1), 'its checkpoint covers'],
    ['without an object', shortLines.toSpliced(firstOf('object'), 1), 'the object before it is not the one'],
    [
      'with an object twice',
      shortLines.toSpliced(firstOf('object'), 0, shortLines[firstOf('object')]!),
      'two objects follow each other',
    ],
    ['with an object at its end', [...shortLines, shortLines[firstOf('object')]!], 'no entry follows its last object'],
    ['with an entry twice', shortLines.toSpliced(lastEntry, 0, shortLines[lastEntry]!), 'the run had ended'],
    ['with a line more', [...shortLines, '{}'], 'it is no line of an audit bundle'],
    ['with a field more', shortLines.with(0, shortLines[0]!.replace('"run"', '"more":1,"run"')), 'no line of an audit'],
    ['with a space more', shortLines.with(0, shortLines[0]!.replace(',', ', ')), 'not in canonical form'],
    ['of nothing', [], 'the bundle: it is empty'],
  ] as const)('%s is refused', async ([, lines, why]) => {
    const { ok, errors } = await verify(lines)
    expect(ok).toBe(false)
    expect(errors[0]).toContain(why === 'the run had ended' ? 'stand' : why)
  })
})

describe('against another roster', () => {
  const stranger = generateIdentity()
  test.for([
    ['that lacks a site', { ...roster, sites: { ...roster.sites, zurich: '' } }, 'no site joined as zurich'],
    [
      'that has another key for a site',
      { ...roster, sites: { ...roster.sites, basel: fingerprint(stranger.publicKey) } },
      'no site joined as basel with the key that the roster names',
    ],
    ['that names no site', { ...roster, sites: {} }, 'site basel is not in the roster'],
    [
      'of another coordinator',
      { ...roster, coordinator: fingerprint(stranger.publicKey) },
      "the coordinator's key is not the roster's",
    ],
  ] as const)('%s a good bundle is refused', async ([, given, why]) => {
    expect((await verify(shortLines, given)).errors[0]).toContain(why)
  })
})

/** The first event of a type, or the nth, with other fields; the chain over it is right. */
const change = (type: string, fields: (event: never) => Record<string, unknown> | undefined, nth = 0): Tamper => {
  let seen = 0
  return (event) => {
    if (event.type !== type) return event
    seen += 1
    if (seen !== nth + 1) return event
    const changed = fields(event as never)
    return changed && { ...event, ...changed }
  }
}
const flip = (text: string) => `${text.startsWith('0') ? '1' : '0'}${text.slice(1)}`
const flipSignature = ({ signature }: { signature: string }) => {
  const bytes = Buffer.from(signature, 'base64')
  bytes[5]! ^= 1
  return { signature: base64(bytes) }
}
const otherPlan =
  (fields: object) =>
  ({ plan }: { plan: never }) => {
    const changed = { ...(plan as object), ...fields } as never
    return { plan: changed, planHash: planHash(changed) }
  }
const secureOf = (plan: unknown) => (plan as { secure: { roster: string[] } }).secure
const otherSecure =
  (fields: (secure: { roster: string[] }) => object) =>
  ({ plan }: { plan: never }) =>
    otherPlan({ secure: { ...secureOf(plan), ...fields(secureOf(plan)) } })({ plan })
const removed = () => undefined
const stranger = generateIdentity()

/** What the coordinator might write into its log, and what an auditor finds. */
const lies: readonly (readonly [string, Tampering['run'], string])[] = [
  [
    'a plan that says it is a further attempt',
    change('cohort-selected', otherPlan({ attempt: { number: 2, after: noModel(1) } })),
    'its plan is of another attempt than the one that started',
  ],
  [
    'a further attempt of a round that was not interrupted',
    (event) => {
      if (event.type === 'round-started') return { ...event, attempt: 2 }
      if (event.type !== 'cohort-selected') return event
      return { ...event, ...otherPlan({ attempt: { number: 2, after: noModel(1) } })(event as never) }
    },
    'no attempt before it was interrupted',
  ],
  [
    'an interruption of a round for which shares were revealed',
    (event) =>
      event.type === 'round-committed'
        ? { type: 'round-failed', round: 0, purpose: 'statistics', code: 'interrupted', reason: 'zurich is missing' }
        : event,
    'shares were revealed for it',
  ],
  [
    'a plan named by another hash',
    change('cohort-selected', ({ planHash: hash }: { planHash: string }) => ({ planHash: flip(hash) })),
    'its plan has another hash',
  ],
  ['a plan on another model', change('cohort-selected', otherPlan({ model: noModel(7) })), 'the newest model is'],
  [
    'a plan that names an entry which made no model',
    change('cohort-selected', otherPlan({ modelEntry: 0 })),
    'of entry 0',
  ],
  ['a plan for another run', change('cohort-selected', otherPlan({ run: 'heart-2' })), 'for another run or study'],
  ['a plan for another round', change('cohort-selected', otherPlan({ round: 5 })), 'for another round'],
  ['a plan in another order', change('cohort-selected', otherPlan({ cohort: names.toReversed() })), 'not in order'],
  [
    'a plan with other figures',
    change('cohort-selected', otherPlan({ standardisation: { means: [], standardDeviations: [] } }), 1),
    'standardises by other figures',
  ],
  [
    'a plan that forks the log',
    change('cohort-selected', otherPlan({ logHead: { size: 1, root: 'ab'.repeat(32) } })),
    'is not that of the first 1',
  ],
  [
    'a plan that names a head to come',
    change('cohort-selected', otherPlan({ logHead: { size: 900, root: 'ab'.repeat(32) } })),
    'has 900 entries',
  ],
  [
    'a plan with a key of its own for a site',
    change(
      'cohort-selected',
      otherSecure(({ roster: keys }) => ({ roster: keys.with(1, base64(stranger.publicKey)) })),
    ),
    'another key for cleveland',
  ],
  [
    'a plan with fewer colluders',
    change(
      'cohort-selected',
      otherSecure(() => ({ colluders: 0 })),
    ),
    'fewer colluding sites',
  ],
  ['a plan of no round', change('round-started', removed), 'for a round that did not start'],
  [
    'keys that no site advertised',
    change('keys-advertised', flipSignature, 1),
    'cleveland did not sign its advertised keys',
  ],
  [
    'keys of another site',
    change('keys-advertised', () => ({ site: 'zurich' }), 1),
    'zurich did not sign its advertised keys',
  ],
  [
    'a directory that leaves a site out',
    change('directory-fixed', () => ({ sites: names.slice(0, 3) })),
    'its session is not the one',
  ],
  [
    'a directory of another session',
    change('directory-fixed', ({ sid }: { sid: string }) => ({ sid: flip(sid) })),
    'its session is not the one',
  ],
  [
    'a directory that names nobody',
    change('directory-fixed', () => ({ sites: ['basel', 'geneva'] })),
    'U1 is not part of the set before',
  ],
  [
    'keys that were never advertised in U1',
    change('keys-advertised', removed, 2),
    'hungary is in U1 and advertised nothing',
  ],
  [
    'shared keys of another hash',
    change('keys-shared', ({ hash }: { hash: string }) => ({ hash: flip(hash) })),
    'its hash is not that of the message',
  ],
  [
    'shared keys with another signature',
    change('keys-shared', flipSignature),
    'its signature is not that of the message',
  ],
  [
    'a U2 that leaves a site out',
    change('sharers-fixed', () => ({ sites: names.slice(0, 3) })),
    'its U2 hash is not that',
  ],
  ['a U2 too small', change('sharers-fixed', () => ({ sites: names.slice(0, 2) })), 'U2 has 2 sites, 3 are needed'],
  [
    'another U2',
    change('sharers-fixed', ({ u2Hash }: { u2Hash: string }) => ({ u2Hash: flip(u2Hash) })),
    'its U2 hash is not that',
  ],
  [
    'an update without masks',
    change('update-announced', ({ masked: _, ...rest }: { masked: object; type: string }) => ({
      ...rest,
      masked: undefined,
    })),
    'not masked',
  ],
  [
    'an update of another root',
    change('update-announced', ({ masked }: { masked: { root: string } }) => ({
      masked: { ...masked, root: flip(masked.root) },
    })),
    'its root is not that of the vectors',
  ],
  [
    'an update whose vectors were exchanged',
    change('update-announced', ({ masked }: { masked: { vectorHashes: string[] } }) => ({
      masked: { ...masked, vectorHashes: masked.vectorHashes.toReversed() },
    })),
    'its root is not that of the vectors',
  ],
  [
    'an update that the site did not sign',
    change('update-announced', ({ masked }: { masked: { signature: string } }) => ({
      masked: { ...masked, ...flipSignature(masked) },
    })),
    'basel did not sign its masked update',
  ],
  [
    'a survivor whose update never came',
    change('update-received', removed),
    'basel is in U3 and its update never arrived',
  ],
  [
    'a U3 with a site that dropped out',
    change('survivors-fixed', () => ({ sites: names })),
    'zurich is in U3 and its update never arrived',
  ],
  ['a U3 too small', change('survivors-fixed', () => ({ sites: names.slice(0, 2) })), 'U3 has 2 sites, 3 are needed'],
  [
    'another U3',
    change('survivors-fixed', ({ u3Hash }: { u3Hash: string }) => ({ u3Hash: flip(u3Hash) })),
    'its U3 hash is not that',
  ],
  [
    'survivors who sign a forked log',
    change('survivors-fixed', ({ logHead }: { logHead: { root: string } }) => ({
      logHead: { ...logHead, root: flip(logHead.root) },
    })),
    'the head it names is not that',
  ],
  [
    'survivors who sign a head to come',
    change('survivors-fixed', ({ logHead }: { logHead: object }) => ({ logHead: { ...logHead, size: 500 } })),
    'the head it names has 500 entries',
  ],
  [
    'survivors who signed another head',
    change('survivors-fixed', () => ({
      logHead: { size: 0, root: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    })),
    'basel did not sign its confirmation',
  ],
  [
    'a confirmation that was not given',
    change('survivors-confirmed', flipSignature, 2),
    'hungary did not sign its confirmation',
  ],
  ['a confirmation given by another', change('survivors-confirmed', () => ({ site: 'zurich' })), 'zurich is not in U3'],
  ['a confirmation too few', change('survivors-confirmed', removed), 'on 2 of 3 confirmations'],
  [
    'a confirmation twice',
    change('survivors-confirmed', (event: Record<string, unknown>) => ({ ...event, site: 'basel' }), 1),
    'basel did not sign its confirmation',
  ],
  [
    'released shares with another signature',
    change('shares-revealed', flipSignature),
    'its signature is not that of the message',
  ],
  ['a release too few', change('shares-revealed', removed), '2 of 3 survivors released their shares'],
  ['a result without a round', change('cohort-selected', removed), 'there is no round it could be part of'],
  [
    'a result of another purpose',
    change('round-committed', () => ({ result: { purpose: 'evaluate', examples: 1, perSite: [] } })),
    'its result is of another purpose',
  ],
  [
    'a result of another plan',
    change('round-committed', ({ planHash: hash }: { planHash: string }) => ({ planHash: flip(hash) })),
    'another plan than the one under way',
  ],
  [
    'an entry after the end',
    (event) => (event.type === 'run-finished' ? [event, event] : event),
    'the run had ended before it',
  ],
  [
    'another result than the next plan starts from',
    change('run-finished', () => ({ parameters: noModel(8) })),
    'not those of the newest model',
  ],
  [
    'a run with another key',
    change('run-started', () => ({ publicKey: base64(new Uint8Array(32)) })),
    'with another key',
  ],
]

describe('a coordinator that writes', () => {
  test.for(lies)('%s is found out', async ([, run, why]) => {
    const { ok, errors } = await verify(await linesOfRun(retell(short, run ? { run } : {})))
    expect(ok).toBe(false)
    expect(errors[0]).toMatch(/^entry \d+ of stream run\/heart-1: /)
    expect(errors[0]).toContain(why)
  })

  test.for([
    ['an evaluation that names single sites', evaluated([{ site: 'basel', examples: 1 }]), 'results of single sites'],
    ['a model that no site verified', trained({}), 'did not sign its word on the sum'],
    ['a sum that no site verified', change('round-committed', () => ({ sums: noModel(6) }), 1), 'did not sign'],
  ] as const)('%s is found out without the sums', async ([, run, why]) => {
    expect((await verify(await linesOfRun(retell(honest, { run }), false))).errors[0]).toContain(why)
  })

  test.for([
    ['a model that is not made of its sum', trained({}), 'its model is not the one that its sum makes'],
    ['a loss that is not in its sum', trained({ loss: 0.1 }), 'its model is not the one that its sum makes'],
    ['figures that are not in their sum', evaluated([]), 'its result is not what its sum comes to'],
    [
      'a standardisation that is not made of its sum',
      change('round-committed', (body: { result: { columns: SummedColumn[] } }) => ({
        result: {
          ...body.result,
          columns: body.result.columns.map((column) => ({ ...column, means: column.means.map(() => 1) })),
        },
      })),
      'its result is not what its sum comes to',
    ],
  ] as const)('%s is found out by making it again, whoever signed it', async ([, run, why]) => {
    expect((await verify(await linesOfRun(retell(honest, { run })))).errors[0]).toContain(why)
  })

  test.for([
    ['one bit', (line: string) => line.replace(/"base64":"(.)/, (_, c) => `"base64":"${c === 'A' ? 'B' : 'A'}`)],
    ['a piece', () => undefined],
  ] as const)('a sum with %s changed or missing is found out', async ([, change]) => {
    const at = honestLines.findLastIndex((line) => line.includes('"piece"'))
    const lines = honestLines.flatMap((line, i) => (i === at ? (change(line) ?? []) : line))
    const { ok, errors, rounds } = await verify(lines)
    if (lines.length === honestLines.length) expect(errors[0]).toContain('do not have the SHA-256')
    // A sum that is left out is one that is not made again, and told so.
    else expect([ok, rounds.at(-1)!.remade]).toEqual([true, false])
  })

  test.for([
    ['a model that one site too few verified', change('sum-verified', removed, 3), 'another one is open'],
    ['a word on a sum that another site gave', change('sum-verified', () => ({ site: 'hungary' }), 3), 'did not sign'],
    ['a site that judged a sum twice', change('sum-verified', () => ({ site: 'basel' }), 4), 'basel did not sign'],
    [
      'a plan that names others as verifiers',
      change('cohort-selected', otherPlan({ proven: {} }), 2),
      'its plan names others as those who verified',
    ],
    [
      'a rollback that it did not sign',
      change('run-rolled-back', flipSignature),
      'it is not signed by the coordinator',
    ],
    [
      'a rollback to a model that was never made',
      change('run-rolled-back', () => ({ parameters: noModel(5) })),
      'did not make',
    ],
    ['no rollback where the model goes back', change('run-rolled-back', removed), 'the newest model is'],
  ] as const)('%s is found out', async ([, run, why]) => {
    expect((await verify(await linesOfRun(retell(honest, { run })))).errors[0]).toContain(why)
  })

  test.for([
    [
      'a share that the site did not reveal',
      'unmask',
      (one: never) => ({ ...(one as object), share: new Uint8Array(32) }),
      'basel did not sign its released shares',
    ],
    [
      'the other kind of share',
      'unmask',
      (one: never, i: number) => ({ ...(one as object), kind: i === 1 ? 's' : (one as { kind: string }).kind }),
      'basel released the shares b of 1, s of 2',
    ],
    [
      'another commitment',
      'share-keys',
      (one: never) => ({ ...(one as object), keyCommitment: new Uint8Array(32) }),
      'basel did not sign its shared keys',
    ],
  ] as const)('%s is found out', async ([, type, tamper, why]) => {
    const message: NonNullable<Tampering['message']> = (given) => {
      if (given.type !== type) return given
      return given.type === 'unmask'
        ? { ...given, revealed: given.revealed.map((one, i) => tamper(one as never, i)) as never }
        : { ...given, rows: given.rows.map((one, i) => tamper(one as never, i)) as never }
    }
    expect((await verify(await linesOfRun(retell(short, { message })))).errors[0]).toContain(why)
  })

  test('both kinds of a share is found out', async () => {
    const message: NonNullable<Tampering['message']> = (given) =>
      given.type === 'unmask'
        ? {
            ...given,
            revealed: [
              ...given.revealed.slice(0, 1),
              { ...given.revealed[0]!, index: 2, kind: 's' },
              ...given.revealed.slice(2),
            ],
          }
        : given
    expect((await verify(await linesOfRun(retell(short, { message })))).errors[0]).toContain('due were b of 1, b of 2')
  })

  test('shares for others than U1 is found out', async () => {
    const message: NonNullable<Tampering['message']> = (given) =>
      given.type === 'share-keys' ? { ...given, rows: given.rows.slice(1) } : given
    const lines = retell(short, { message })
    expect((await verify(await linesOfRun(lines))).errors[0]).toContain('did not share its keys with exactly U1')
  })
})

const approvalOf = (identity: Identity, study: string) =>
  base64(sign(identity, 'decision', Buffer.from(study, 'hex'), Buffer.from('approve')))

describe('a federation in whose stream stands', () => {
  test.for([
    [
      'another coordinator',
      change('federation-created', () => ({ coordinatorPublicKey: base64(stranger.publicKey) })),
      "the coordinator's key is not the roster's",
    ],
    [
      'another key for a site',
      change('site-joined', () => ({ identityPublicKey: base64(stranger.publicKey) })),
      'no site joined as basel',
    ],
    ['an approval that the site did not sign', change('study-decided', flipSignature), 'site basel never approved'],
    [
      'an approval signed by another',
      change('study-decided', ({ study }: { study: string }) => ({ signature: approvalOf(stranger, study) })),
      'site basel never approved',
    ],
    ['no approval', change('study-decided', removed, 3), 'site zurich never approved'],
    ['a rejection', change('study-decided', () => ({ decision: 'reject' })), 'site basel never approved'],
    [
      'another study for the run',
      change('run-created', () => ({ study: 'ab'.repeat(32) })),
      'the object before it is not the one',
    ],
    ['no such run', change('run-created', removed), 'ends without having gone on'],
    [
      'another end of the run',
      change('run-ended', ({ head }: { head: string }) => ({ head: flip(head) })),
      'anchors another log',
    ],
    [
      'another root of the run',
      change('run-ended', ({ root }: { root: string }) => ({ root: flip(root) })),
      'anchors another log',
    ],
    ['another length of the run', change('run-ended', () => ({ entries: 3 })), 'anchors another log'],
    ['another outcome', change('run-ended', () => ({ outcome: 'failed' })), 'did not end as the federation says'],
  ] as const)('%s is refused', async ([, federation, why]) => {
    const run = retell(short, { federation })
    expect((await verify(await collect(bundleLines(run, runId)))).errors[0]).toContain(why)
  })
})

describe('checkpoints', () => {
  test('that somebody else signed are refused', async () => {
    const run = retell(short, { signer: stranger })
    expect((await verify(await linesOfRun(run))).errors[0]).toContain('is not signed by the coordinator')
  })

  const next = generateIdentity()
  const rotation =
    (from: Identity): Tamper =>
    (event) => {
      if (event.type !== 'run-ended') return event
      const { oldPublicKey, newPublicKey, oldSignature, newSignature } = signRotation(from, next)
      const fields = { oldPublicKey: base64(coordinator.publicKey), newPublicKey, oldSignature, newSignature }
      const signed = Object.fromEntries(
        Object.entries({ ...fields, oldPublicKey }).map(([name, bytes]) => [name, base64(bytes as Uint8Array)]),
      )
      return [event, { type: 'coordinator-key-rotated', at, ...signed }]
    }

  test('may be signed by the key that the coordinator handed on to, whichever of the two the roster names', async () => {
    const lines = await linesOfRun(retell(short, { federation: rotation(coordinator), signer: next }))
    expect(await verify(lines)).toMatchObject({ ok: true, coordinator: fingerprint(next.publicKey) })
    expect((await verify(lines, { ...roster, coordinator: fingerprint(next.publicKey) })).ok).toBe(true)
  })

  test('signed by the old key after that are refused, as is a key that nobody handed on', async () => {
    const old = await linesOfRun(retell(short, { federation: rotation(coordinator) }))
    expect((await verify(old)).errors[0]).toContain('is not signed by the coordinator')
    const forged = await linesOfRun(retell(short, { federation: rotation(stranger), signer: next }))
    expect((await verify(forged)).errors[0]).toContain('is not signed by both keys')
  })
})

test('a bundle is not written from a log that is shorter than its signed head', async () => {
  const source = { ...honest, readLog: (stream: string) => fewer(honest.readLog(stream)) }
  await expect(collect(bundleLines(source, runId))).rejects.toMatchObject({ code: 'log-broken' })
})

test('a bundle is not written with an object that is not the one named', async () => {
  const source: WrittenRun = {
    ...honest,
    async *fetchObject() {
      yield Buffer.from('{}')
    },
  }
  await expect(collect(bundleLines(source, runId))).rejects.toMatchObject({ code: 'hash-mismatch' })
})

async function* fewer<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let held: T | undefined
  for await (const item of items) {
    if (held !== undefined) yield held
    held = item
  }
}

describe('a complaint', () => {
  /** The last site complains of the first, or somebody does in its name, as soon as U2 is fixed. */
  const complaint = (signer: Identity): Tamper => {
    let sid = new Uint8Array()
    return (event) => {
      if (event.type === 'directory-fixed') sid = Buffer.from(String(event.sid), 'hex')
      if (event.type !== 'sharers-fixed' || event.planHash !== short.entries.run[2]!.body.planHash) return event
      const signature = signMessage(signer, complaintMessage(sid, 4, 1, 'share-does-not-open'))
      const said = { planHash: event.planHash, site: 'zurich', against: 'basel', reason: 'share-does-not-open' }
      return [event, { type: 'complaint-received', ...said, signature: base64(signature) }]
    }
  }

  test('that a site signed stands in the log like any message', async () => {
    const report = await verify(await linesOfRun(retell(cutAt(short, 20), { run: complaint(sites[3]!.identity) })))
    expect(report.errors).toEqual([])
  })

  test('that somebody else signed is refused', async () => {
    const report = await verify(await linesOfRun(retell(short, { run: complaint(stranger) })))
    expect(report.errors[0]).toContain('zurich did not sign its complaint')
  })
})

function trained(changes: object): Tamper {
  const result = {
    purpose: 'train',
    examples: 24,
    parameters: noModel(6),
    loss: 5 / 8,
    clippedSites: 0,
    contributors: 3,
  }
  return change('round-committed', () => ({ result: { ...result, ...changes } }), 1)
}

function evaluated(perSite: readonly object[]): Tamper {
  return change('round-committed', () => ({ result: { purpose: 'evaluate', examples: 1, perSite } }), 2)
}
