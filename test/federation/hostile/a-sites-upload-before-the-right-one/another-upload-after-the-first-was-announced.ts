import { sha256Hex } from '@consilium/protos/hash.ts'
import { flipped } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = {
  log: [],
  uploads: ['link-down', 'update-invalid', 'OK'],
  round: 'committed',
  lies: {
    async upload(upload, { put }) {
      await put({ ...upload, bytes: upload.bytes.slice(0, 8) })
      const other = flipped(upload.bytes)
      await put({ ...upload, bytes: other, sha256: sha256Hex(other) })
      await put({ ...upload, offset: 8 })
    },
  },
}
