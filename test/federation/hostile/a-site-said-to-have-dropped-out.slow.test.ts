/**
 * A coordinator that has a site's upload and says that it dropped out: the mask key is revealed, the self mask is not.
 */
import { expect, test } from 'vitest'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { solve } from '../../support/hostile/solver.ts'

test('a site said to have dropped out once its upload is here stays behind its self mask', async () => {
  await using federation = await hostileFederation({
    takesUpload: (site, { purpose }) => site === 'zurich' && purpose === 'train',
  })
  const run = await federation.start()
  const upload = await federation.until(() => federation.recorded.uploads.find(({ site }) => site === 'zurich'))
  await federation.until(() => upload.bytes.length > 0)
  federation.hear('zurich', { type: 'refusal', planHash: upload.planHash, code: 'data-not-ready' })
  expect((await federation.ended(run)).state).toBe('finished')
  const { secrets } = solve(federation.recorded)
  expect(secrets.flatMap(({ plan, site, kind }) => (plan === upload.planHash ? [`${kind} of ${site}`] : []))).toEqual([
    'b of basel',
    'b of cleveland',
    'b of hungary',
    's of zurich',
  ])
  expect(await leaks(federation)).toEqual([])
})
