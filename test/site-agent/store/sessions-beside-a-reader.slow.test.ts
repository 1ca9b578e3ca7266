/** Another process that reads the store keeps its log from being emptied: what is erased is replaced at once, and gone after. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'

const plan = '1'.repeat(64)
const session = { planHash: plan, run: 'heart-1', round: 1, purpose: 'train', model: 'a'.repeat(64) } as const

test('what a signature erases beside a reader is in no file any more once that has gone', () => {
  const state = mkdtempSync(join(tmpdir(), 'consilium-sessions-'))
  const store = openSiteStore(state)
  const bytes = () => ['', '-wal'].map((suffix) => String(readFileSync(join(state, `agent.sqlite${suffix}`)))).join()
  try {
    store.sessions.advertise(session, store.sessionLedger.next(plan), Buffer.from('unspeakable'))
    const reader = new DatabaseSync(join(state, 'agent.sqlite'))
    reader.exec('BEGIN')
    reader.prepare('SELECT * FROM sessions').all()
    store.sessions.reseal(plan, Buffer.from('signed'))
    expect(String(Buffer.from(store.sessions.sealed(plan)!))).toBe('signed')
    expect(bytes()).toMatch(/unspeakable/)
    reader.close()
    store.sessions.keepOnly(new Set([plan]))
    expect(bytes()).not.toMatch(/unspeakable/)
  } finally {
    store.close()
    rmSync(state, { recursive: true, force: true })
  }
})
