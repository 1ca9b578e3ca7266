import { randomBytes } from 'node:crypto'
import type { FrameLie } from '../../../support/hostile/bent-frames.ts'

export const lie: FrameLie = { bytes: () => Buffer.concat([Buffer.from([0x07]), randomBytes(999)]), ends: 'INTERNAL' }
