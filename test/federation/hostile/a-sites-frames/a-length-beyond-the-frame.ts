import type { FrameLie } from '../../../support/hostile/bent-frames.ts'

export const lie: FrameLie = { bytes: () => Buffer.from([0x0a, 0xff, 0xff, 0x03]), ends: 'INTERNAL' }
