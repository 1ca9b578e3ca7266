/** What most commands need: the site's store, and a link to the coordinator beside the one of the running agent. */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Folders } from '../config.ts'
import { type Connection, connect, openMembership } from '../connect.ts'
import { openSiteStore, type SiteStore } from '../store/site-store.ts'
import type { Invocation } from './command.ts'

/** Runs `body` with the store of the state folder; throws `unauthenticated` where this site has not joined. */
export async function withStore<T>(folders: Folders, body: (store: SiteStore) => Promise<T>): Promise<T> {
  openMembership(folders.state)
  const store = openSiteStore(folders.state)
  try {
    return await body(store)
  } finally {
    store.close()
  }
}

/** The caller closes the link. What it sends is entered in the same egress ledger as the agent's. */
export function openConnected({ state }: Folders, store: SiteStore): Connection {
  return connect({ state, ledger: store.egress })
}

/** Asks the coordinator for its studies and keeps them; where nothing answers, what is known here has to do. */
export async function refreshStudies(invocation: Invocation<unknown>, store: SiteStore): Promise<void> {
  const { link } = openConnected(invocation, store)
  try {
    for (const signed of await link.studies()) store.studies.keep(signed)
  } catch (error) {
    if (!(error instanceof FederationError) || error.code !== 'link-down') throw error
    invocation.remark(`What follows is what this site knew before: ${errorMessage(error)}`)
  } finally {
    await link.close()
  }
}
