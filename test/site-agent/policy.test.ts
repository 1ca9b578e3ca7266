import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fingerprint, generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { policyInForce, readPolicy } from '../../site-agent/policy.ts'

let site: string
let state: string
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'consilium-policy-'))
  state = mkdtempSync(join(tmpdir(), 'consilium-policy-'))
})
afterEach(() => {
  rmSync(site, { recursive: true, force: true })
  rmSync(state, { recursive: true, force: true })
})

const lead = fingerprint(generateIdentity().publicKey)
const policy = `approve:\n  leads:\n    - ${lead}\n`

const approve = {
  leads: [],
  sealed: false,
  binsMax: 64,
  roundsMax: 200,
  runsMax: 5,
  studiesMax: 5,
  stepsMin: 10,
  rowsDrawnMin: 100,
  batchMin: 4,
  learningRate: [1e-5, 10],
  accept: [],
}
const nothing = {
  approve,
  rows: { rowsMin: 50, testRowsMin: 20 },
  roster: { sites: {} },
  secure: { partners: 'evaluations', trainExposuresMax: 25, evaluateExposuresMax: 3, partnerChangesMax: 2 },
  rollback: { accept: false },
  recovery: { accept: false },
}

test('without a policy nothing is approved or trusted, no run goes back, and every rule has a safe default', () => {
  expect(readPolicy({ site, state })).toEqual(nothing)
})

test('the policy may stand in either folder', () => {
  writeFileSync(join(state, 'policy.yaml'), policy)
  expect(readPolicy({ site, state })).toEqual({ ...nothing, approve: { ...approve, leads: [lead] } })
})

test('a running agent parses its policy once while the text is the same, and sees every change of it', () => {
  const [file, policyNow] = [join(state, 'policy.yaml'), policyInForce({ site, state })]
  expect(policyNow()).toEqual(nothing)
  writeFileSync(file, policy)
  const first = policyNow()
  expect(first.approve.leads).toEqual([lead])
  expect(policyNow()).toBe(first)
  writeFileSync(file, policy.replace('leads', 'leeds'))
  expect(policyNow).toThrow(expect.objectContaining({ code: 'policy-refused' }))
  writeFileSync(file, policy)
  expect(policyNow()).toEqual(first)
  rmSync(file)
  expect(policyNow()).toEqual(nothing)
})

test('the policy names sites by their fingerprints, the least that a secure round needs, and whether runs go back', () => {
  const text = `roster: { sites: { basel: '${lead}' } }\nsecure: { survivorsMin: 4, colluders: 2, partners: strict }\nrollback: { accept: true }\n`
  writeFileSync(join(state, 'policy.yaml'), text)
  expect(readPolicy({ site, state })).toEqual({
    ...nothing,
    roster: { sites: { basel: lead } },
    secure: { ...nothing.secure, survivorsMin: 4, colluders: 2, partners: 'strict' },
    rollback: { accept: true },
  })
})

test.for([
  {
    what: 'a fingerprint cut off',
    text: 'approve: { leads: [SHA256:abc] }',
    says: /policy\.yaml:1:20 approve\.leads\[0\]: .*a fingerprint/,
  },
  { what: 'a word that is not ours', text: 'aprove: { leads: [] }', says: /aprove: unknown key/ },
  {
    what: 'a site without a fingerprint',
    text: 'roster: { sites: { basel: yes } }',
    says: /policy\.yaml:1:27 roster\.sites\.basel: expected a fingerprint/,
  },
  {
    what: 'a site with a name that no site has',
    text: `roster: { sites: { Basel: '${lead}' } }`,
    says: /roster\.sites\.Basel: .*lower-case letters/,
  },
  { what: 'a sum of two sites', text: 'secure: { survivorsMin: 2 }', says: /secure\.survivorsMin: .*>=3/ },
  { what: 'part of a colluder', text: 'secure: { colluders: 0.5 }', says: /secure\.colluders: .*int/ },
  { what: 'a word for a yes', text: 'rollback: { accept: always }', says: /rollback\.accept: .*boolean/ },
  {
    what: 'a smallest learning rate above the largest',
    text: 'approve: { learningRate: [1, 0.1] }',
    says: /approve\.learningRate: .*smallest learning rate is above the largest/,
  },
  {
    what: 'a list of no columns',
    text: 'approve: { columns: [] }',
    says: /approve\.columns: .*lets nothing through/,
  },
  {
    what: 'a rule that is listed and waived',
    text: 'approve: { columns: [age], accept: [columns] }',
    says: /approve\.accept\[0\]: .*learning-rate/,
  },
  {
    what: 'a rule about rows that is waived',
    text: 'approve: { accept: [rows] }',
    says: /approve\.accept\[0\]: /,
  },
  {
    what: 'more colluders than a sum hides a site among',
    text: 'secure: { survivorsMin: 3, colluders: 2 }',
    says: /secure\.survivorsMin: .*contradicts colluders/,
  },
  {
    what: 'a rule that has a limit and is waived',
    text: 'approve: { roundsMax: 50, accept: [graph, rounds] }',
    says: /policy\.yaml:1:\d+ approve\.accept\[1\]: contradicts roundsMax: a rule that holds for no study here has no limit/,
  },
  {
    what: 'a pair of learning rates beside their rule waived',
    text: 'approve: { learningRate: [0.001, 1], accept: [learning-rate] }',
    says: /approve\.accept\[0\]: contradicts learningRate/,
  },
  {
    what: 'two sites with one key',
    text: `roster: { sites: { basel: '${lead}', bern: '${lead}' } }`,
    says: /roster\.sites\.bern: contradicts basel: each site has a fingerprint of its own/,
  },
  { what: 'no rows at all', text: 'rows: { rowsMin: 0 }', says: /rows\.rowsMin: .*>=1/ },
  { what: 'half a patient', text: 'rows: { patientsMin: 2.5 }', says: /rows\.patientsMin: .*int/ },
  { what: 'no run of any study', text: 'approve: { runsMax: 0 }', says: /approve\.runsMax: .*>=1/ },
  { what: 'no YAML', text: 'approve: [', says: /policy\.yaml:1:11 / },
  { what: 'a list where a mapping is due', text: '- approve', says: /the file: / },
  { what: 'an endless file', text: `# ${'x'.repeat(70_000)}`, says: /at most 65536 bytes/ },
])('$what is an error that names the file and the field', ({ text, says }) => {
  writeFileSync(join(site, 'policy.yaml'), text)
  expect(() => readPolicy({ site, state })).toThrow(
    expect.objectContaining({ code: 'invalid-site-config', message: expect.stringMatching(says) }),
  )
})

test('a policy that is there and cannot be read is an error too, not the absence of one', () => {
  mkdirSync(join(site, 'policy.yaml'))
  expect(() => readPolicy({ site, state })).toThrow(
    expect.objectContaining({ code: 'invalid-site-config', message: expect.stringContaining('cannot be read') }),
  )
})

test('two policies are one too many', () => {
  writeFileSync(join(site, 'policy.yaml'), policy)
  writeFileSync(join(state, 'policy.yaml'), policy)
  expect(() => readPolicy({ site, state })).toThrow(/two policies/)
})
