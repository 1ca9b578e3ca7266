/** A thief's copy of a site's database, read with the session keys as they are whenever it looks. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { openSiteStore } from '@consilium/site-agent/store/site-store.ts'

export function copiedStore({ state }: { readonly state: string }) {
  const copy = mkdtempSync(join(tmpdir(), 'consilium-copy-'))
  const files = ['agent.sqlite', 'agent.sqlite-wal'].filter((name) => existsSync(join(state, name)))
  for (const name of files) cpSync(join(state, name), join(copy, name))
  return {
    /** As `Sessions.sealed`. */
    sealed(planHash: Sha256): Uint8Array | undefined {
      cpSync(join(state, 'session-keys'), join(copy, 'session-keys'))
      const opened = openSiteStore(copy)
      try {
        return opened.sessions.sealed(planHash)
      } finally {
        opened.close()
      }
    },
    [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }),
  }
}
