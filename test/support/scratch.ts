/** Where tests keep what they soon delete: in memory where there is such a folder, since every fsync costs milliseconds. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'

export const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
