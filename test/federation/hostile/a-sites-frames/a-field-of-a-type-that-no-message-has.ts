import type { FrameLie } from '../../../support/hostile/bent-frames.ts'

export const lie: FrameLie = { bytes: () => Buffer.from([0x0f]), ends: 'INTERNAL' }
