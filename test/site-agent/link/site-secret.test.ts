/** The site secret: made once, kept with the enrolment, never replaced by another in silence. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openJoined, openKeys, writeSiteSecret } from '../../../site-agent/link/identity-files.ts'
import { joinedSite } from '../../support/joined-site.ts'

const place = (state: string) => join(state, 'keys', 'site-secret')

describe('the site secret', () => {
  test('is made with the keys, readable by its owner only, and stays the same', async () => {
    const { state } = await joinedSite('boston')
    const { secret } = openJoined(state)
    expect(secret.length).toBe(32)
    expect(openJoined(state).secret).toEqual(secret)
    expect(openKeys(state).secret).toEqual(secret)
    expect(statSync(place(state)).mode & 0o077).toBe(0)
    const other = await joinedSite('basel')
    expect(openJoined(other.state).secret).not.toEqual(secret)
  })

  test('that is gone is asked for by name, and none is made in its place', async () => {
    const { state } = await joinedSite('boston')
    rmSync(place(state))
    const gone = expect.objectContaining({
      code: 'invalid-site-config',
      message: expect.stringMatching(/keys\/site-secret is gone: restore it from the backup/),
    })
    expect(() => openJoined(state)).toThrow(gone)
    expect(() => openJoined(state)).toThrow(gone)
  })

  test('of another site is refused', async () => {
    const { state } = await joinedSite('boston')
    writeSiteSecret(state, new Uint8Array(32).fill(9))
    expect(() => openJoined(state)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/not the secret/) }),
    )
  })

  test('that is cut short is damage of the enrolment', async () => {
    const { state } = await joinedSite('boston')
    writeFileSync(place(state), 'AAAA\n')
    expect(() => openJoined(state)).toThrow(expect.objectContaining({ code: 'invalid-site-config' }))
  })

  test('is made for a home of before, which knows of none', async () => {
    const { state } = await joinedSite('boston')
    const { siteSecret: _, ...before } = JSON.parse(readFileSync(join(state, 'joined.json'), 'utf8'))
    writeFileSync(join(state, 'joined.json'), JSON.stringify(before))
    rmSync(place(state))
    const { secret } = openJoined(state)
    expect(openJoined(state).secret).toEqual(secret)
    rmSync(place(state))
    expect(() => openJoined(state)).toThrow(/site-secret is gone/)
  })
})
