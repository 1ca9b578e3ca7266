/** The head of a run's event log: how many entries it has and their Merkle tree hash (RFC 6962, section 2.1). */
import { z } from 'zod'
import { sha256Schema } from '../plan/names.ts'

export const logHeadSchema = z.strictObject({ size: z.int().min(0), root: sha256Schema })

export type LogHead = z.output<typeof logHeadSchema>
