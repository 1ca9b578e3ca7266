/** Lets others watch something change: each watcher sees the newest state, and what it is too slow for is left out. */

export type Changes = {
  /** Says that there is something new to see. */
  notify(): void
  /** What `view` gives now, then again after every change, until it is `last` or `signal` aborts. */
  watch<View>(view: () => View | Promise<View>, last: (view: View) => boolean, signal: AbortSignal): AsyncIterable<View>
}

export function openChanges(): Changes {
  let version = 0
  const waiting = new Set<() => void>()

  function after(seen: number, signal: AbortSignal): Promise<void> {
    if (version > seen || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  return {
    notify() {
      version += 1
      for (const wake of [...waiting]) wake()
    },
    async *watch(view, last, signal) {
      while (!signal.aborted) {
        const seen = version
        const current = await view()
        yield current
        if (last(current)) return
        await after(seen, signal)
      }
    },
  }
}
