/** Work that must not overlap for the same key: each waits for the one before it. */
export type Serial = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

export function openSerial(): Serial {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const result = (last.get(key) ?? Promise.resolve()).then(work)
    const settled = result
      .catch(() => {})
      .finally(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return result
  }
}
