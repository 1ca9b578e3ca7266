/** Processor time (user and system, all threads of this process), which other processes on the machine hardly disturb. */

export type Stopwatch = ReturnType<typeof stopwatch>

/** Adds up the processor time of what it is given to run. */
export function stopwatch() {
  let total = 0
  const watch = <T>(work: () => T): T => {
    const [seconds, result] = timed(work)
    total += seconds
    return result
  }
  return Object.assign(watch, { seconds: () => total })
}

export function timed<T>(work: () => T): [number, T] {
  const start = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(start)
  return [(user + system) / 1e6, result]
}

/** Median of `times` runs, after one that only warms. */
export function repeated(times: number, work: () => void): number {
  work()
  return median(Array.from({ length: times }, () => timed(work)[0]))
}

/** With three decimals. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Number(sorted[Math.floor(sorted.length / 2)]!.toFixed(3))
}
