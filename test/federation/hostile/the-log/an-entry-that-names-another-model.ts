import { canonicalJson } from '@consilium/protos/hash.ts'
import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'assignment'> = {
  code: 'model-not-in-log',
  proof(proof) {
    const entry = JSON.parse(Buffer.from(proof.entry!).toString('utf8'))
    entry.body.result.parameters = 'e'.repeat(64)
    return { ...proof, entry: canonicalJson(entry) }
  },
}
