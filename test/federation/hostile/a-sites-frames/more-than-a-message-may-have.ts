import { messageBytesMax } from '@consilium/protos/limits.ts'
import type { FrameLie } from '../../../support/hostile/bent-frames.ts'

export const lie: FrameLie = { bytes: () => Buffer.alloc(messageBytesMax + 1), ends: 'RESOURCE_EXHAUSTED' }
