/**
 * The site's policy: which research leads' studies are approved without asking, which sites' keys are trusted, and what
 * this site demands of a secure round. It is `policy.yaml` in the site folder or in the state folder; without one, a
 * person decides on every study and every site.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { cohortMax } from '@consilium/protos/limits.ts'
import { siteNameSchema } from '@consilium/protos/plan/names.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

/** Sites that a policy may name. */
const sitesMax = 1000

/** As `site-agent status` and `consilium lead show` print it. */
export const fingerprintSchema = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint as `SHA256:` and 43 characters, as its owner read it out')

const policySchema = z.strictObject({
  approve: z
    .strictObject({
      leads: z.array(fingerprintSchema).max(1000).default([]),
      /** Whether that holds for studies without secure aggregation too, whose updates the coordinator can open. */
      sealed: z.boolean().default(false),
    })
    .prefault({}),
  /** Sites by name, each with the fingerprint of its identity as its people read it out: no other key is trusted. */
  roster: z
    .strictObject({
      sites: z
        .record(siteNameSchema, fingerprintSchema, {
          error: 'each site by its name (lower-case letters, digits and hyphens) with its fingerprint',
        })
        .refine((sites) => Object.keys(sites).length <= sitesMax, `at most ${sitesMax} sites`)
        .default({}),
    })
    .prefault({}),
  /** The least that this site accepts in a secure round; a plan may ask for more. */
  secure: z
    .strictObject({
      survivorsMin: z.int().min(3).max(cohortMax).exactOptional(),
      colluders: z.int().min(0).max(cohortMax).exactOptional(),
    })
    .prefault({}),
  /** Whether a run may go back to an earlier model by an entry in its log. */
  rollback: z.strictObject({ accept: z.boolean().default(false) }).prefault({}),
})

export type Policy = z.output<typeof policySchema>

const policyBytesMax = 64 * 1024
const noPolicy: Policy = policySchema.parse({})

/** Throws `invalid-site-config` naming file, line and field; no file means that nothing is approved or trusted by itself. */
export function readPolicy(folders: { readonly site: string; readonly state: string }): Policy {
  const paths = [...new Set([folders.site, folders.state])]
    .map((folder) => join(folder, 'policy.yaml'))
    .filter(existsSync)
  const [path, other] = paths
  if (path === undefined) return noPolicy
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
