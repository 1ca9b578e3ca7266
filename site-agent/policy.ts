/**
 * The site's policy: which research leads' studies are approved without asking, by the fingerprints of their keys. It is
 * `policy.yaml` in the site folder or in the state folder; without one, a person decides on every study.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

const policySchema = z.strictObject({
  approve: z
    .strictObject({
      leads: z
        .array(
          z
            .string()
            .regex(
              /^SHA256:[A-Za-z0-9+/]{43}$/,
              'a fingerprint as `SHA256:` and 43 characters, as the lead read it out',
            ),
        )
        .max(1000)
        .default([]),
    })
    .prefault({}),
})

export type Policy = z.output<typeof policySchema>

const policyBytesMax = 64 * 1024
const nobody: Policy = { approve: { leads: [] } }

/** Throws `invalid-site-config` naming file, line and field; no file means that nothing is approved automatically. */
export function readPolicy(folders: { readonly site: string; readonly state: string }): Policy {
  const paths = [...new Set([folders.site, folders.state])]
    .map((folder) => join(folder, 'policy.yaml'))
    .filter(existsSync)
  const [path, other] = paths
  if (path === undefined) return nobody
  if (other !== undefined)
    throw new FederationError('invalid-site-config', `there are two policies, ${path} and ${other}: keep one of them`)
  return readYamlFile({
    name: path,
    bytes: readBytes(path),
    bytesMax: policyBytesMax,
    schema: policySchema,
    code: 'invalid-site-config',
  })
}

function readBytes(path: string): Uint8Array {
  try {
    if (statSync(path).size <= policyBytesMax) return readFileSync(path)
  } catch (cause) {
    throw new FederationError('invalid-site-config', `${path} cannot be read: let the agent's account read it`, {
      cause,
    })
  }
  throw new FederationError('invalid-site-config', `${path} is too large: a policy has at most ${policyBytesMax} bytes`)
}
