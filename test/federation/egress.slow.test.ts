/** The egress ledger tells the truth: its bytes are those that a counter in front of the coordinator saw from the site. */
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

test("each site's ledger adds up to the bytes the relay counted", async () => {
  await using heart = await heartFolder('synthetic', { rounds: 2 })
  await using federation = await DeployedFederation.start(heart.folder)
  const view = await federation.run(await federation.createStudy())
  expect(view.state).toBe('finished')
  for (const site of federation.sites.values()) {
    await site.stop()
    await site.relay.quiet()
    const egress = await site.egress()
    const total = [...egress.values()].reduce((sum, bytes) => sum + bytes, 0)
    console.log(`${site.name}: ${total} bytes; ${[...egress].map(([kind, bytes]) => `${kind} ${bytes}`).join(', ')}`)
    expect(total).toBe(site.relay.total('toServer'))
    expect(egress.get('upload')).toBeGreaterThan(0)
  }
})
