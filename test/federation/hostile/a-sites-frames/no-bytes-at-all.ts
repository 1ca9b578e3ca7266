import type { FrameLie } from '../../../support/hostile/bent-frames.ts'

export const lie: FrameLie = { bytes: () => Buffer.alloc(0), ends: 'message-invalid' }
