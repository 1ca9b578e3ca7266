/**
 * What leaves a site in clear does not hang on the values of its records (fedsum, section E.1): two federations whose data
 * differ in values only say the same, message for message, but for masked vectors, keys, signatures, hashes and times.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { FromSite } from '@consilium/coordinator/services.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { type HostileFederation, hostileFederation, siteNames } from '../support/hostile/federation.ts'

type Patient = { readonly age: number; readonly exang: 0 | 1; readonly cp: number; readonly disease: 0 | 1 }

const columns = { age: 'DOUBLE', exang: 'BIGINT', cp: 'BIGINT', disease: 'BIGINT', side: 'VARCHAR' }
const files = { patients: { path: 'patients.csv', format: 'csv', columns } }
const siteYaml = JSON.stringify({ files, view: 'SELECT * FROM patients' })

const dataOf = (patient: (row: number, site: SiteName) => Patient) => (site: SiteName) => {
  const rows = Array.from({ length: 24 }, (_, row) => {
    const { age, exang, cp, disease } = patient(row, site)
    return `${age},${exang},${cp},${disease},${row % 3 === 0 ? 'test' : 'train'}`
  })
  return { 'site.yaml': siteYaml, 'patients.csv': `${Object.keys(columns).join(',')}\n${rows.join('\n')}\n` }
}

const ordinary = (row: number): Patient => ({
  age: 40 + row,
  exang: row % 2 === 0 ? 1 : 0,
  cp: 1 + (row % 4),
  disease: row % 5 === 0 ? 1 : 0,
})
/** Everybody healthy but one, of the same age but one. */
const odd = (row: number): Patient => ({ age: row === 0 ? 120 : 0, exang: 0, cp: 4, disease: row === 0 ? 1 : 0 })

const study: Partial<StudyInput> = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [3] },
  standardisation: 'federated',
  rounds: 2,
  localTraining: { steps: 4, batchSize: 4 },
  evaluation: { bins: 8, everyRounds: 1 },
  split: { by: 'column', column: 'side' },
}

/** How often these are said, and by whom, hangs on time and on who was asked first: of each only what it is like. */
const timed: readonly string[] = ['hello', 'pong', 'pinned', 'known-ledgers', 'progress', 'confirm', 'unmask']

/** A message with what is drawn at random, or masked, or made of either, taken out but for its length. */
function inClear(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'string') return /^([0-9a-f]{64}|[0-9a-f]{32})$/.test(value) ? 'hex' : value
  if (Array.isArray(value)) return value.map(inClear)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inClear(each)]))
}

/** How fast it works is time. */
function textOf(message: FromSite): string {
  return JSON.stringify(inClear(message.type === 'progress' ? { ...message, quarters: 'one of five' } : message))
}

function said({ recorded, joined }: HostileFederation, site: SiteName) {
  const heard = recorded.heard.flatMap(({ site: from, message }) => (from === site ? [message] : []))
  const database = new DatabaseSync(join(joined.get(site)!.state, 'agent.sqlite'), { readOnly: true })
  const ledger = database
    .prepare("SELECT kind, bytes FROM egress WHERE kind NOT IN ('transport', 'log-proof')")
    .all()
    .map(({ kind, bytes }) => ({ type: String(kind), text: `${kind} ${bytes}` }))
  database.close()
  // A coordinator may ask again before it has the answer.
  const once = new Map(heard.map((message: FromSite) => [JSON.stringify(message), message]))
  const messages = [...once.values()].map((message) => ({ type: message.type, text: textOf(message) }))
  const isTimed = ({ type }: { readonly type: string }) => timed.includes(type)
  const texts = (of: readonly { readonly type: string; readonly text: string }[]) => of.map(({ text }) => text)
  return {
    messages: texts(messages.filter((each) => !isTimed(each))),
    uploads: recorded.uploads
      .filter((upload) => upload.site === site)
      .map(({ bytes, masked }) => [bytes.length, inClear(masked)]),
    ledger: texts(ledger.filter((each) => !isTimed(each))).sort(),
    timed: texts(messages.filter((each) => isTimed(each) && each.type !== 'pinned' && each.type !== 'known-ledgers')),
  }
}

async function allSaid(patient: (row: number, site: SiteName) => Patient) {
  await using federation = await hostileFederation({ data: dataOf(patient) })
  const view = await federation.run(study)
  const sites = siteNames.map((site) => said(federation, site))
  return {
    state: view.state,
    sites: sites.map(({ timed: _, ...rest }) => rest),
    timed: [...new Set(sites.flatMap(({ timed: texts }) => texts))].sort(),
  }
}

test('two federations whose records differ in values only say the same', async () => {
  const [one, other] = [await allSaid(ordinary), await allSaid(odd)]
  expect(one.state).toBe('finished')
  expect(one.sites[0]!.uploads).toHaveLength(5)
  expect(one.sites[0]!.messages.length).toBeGreaterThan(15)
  expect(other).toEqual(one)
  // The comparison sees a site that refuses.
  const tooOld = (row: number, site: SiteName) => ({ ...ordinary(row), age: site === 'zurich' && row === 7 ? 121 : 50 })
  expect((await allSaid(tooOld)).sites[3]).not.toEqual(one.sites[3])
})
