import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = {
  log: ['data-not-ready', 'data-not-ready'],
  uploads: ['stale-round'],
  round: 'committed',
  lies: {
    async upload(upload, { say, put, hash, over }) {
      say({ type: 'refusal', planHash: hash, code: 'data-not-ready' })
      await over
      await put(upload)
    },
  },
}
