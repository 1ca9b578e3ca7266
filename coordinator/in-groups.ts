/**
 * Work done one piece after the other, in the order it came. Pieces that may go together are done as one group: all that come
 * in one turn of the event loop, or while what was before them is under way, up to the next piece that goes alone.
 */
import { setImmediate as turn } from 'node:timers/promises'

export type InGroups<Item> = {
  add(item: Item, how: 'alone' | 'together'): void
  /** Resolves once all that was added is done. */
  settled(): Promise<void>
}

/** `doGroup` never rejects. */
export function inGroups<Item>(doGroup: (items: readonly Item[]) => Promise<void>): InGroups<Item> {
  const waiting: { readonly item: Item; readonly isAlone: boolean }[] = []
  let settling: Promise<void> | undefined

  function next(): readonly Item[] {
    const alone = waiting.findIndex(({ isAlone }) => isAlone)
    const count = alone === -1 ? waiting.length : Math.max(1, alone)
    return waiting.splice(0, count).map(({ item }) => item)
  }

  async function settle(): Promise<void> {
    while (waiting.length > 0) {
      if (!waiting[0]!.isAlone) await turn()
      await doGroup(next())
    }
    settling = undefined
  }

  return {
    add(item, how) {
      waiting.push({ item, isAlone: how === 'alone' })
      settling ??= Promise.resolve().then(settle)
    },
    async settled() {
      while (settling) await settling
    },
  }
}
