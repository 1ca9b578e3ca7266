/**
 * The site's policy: which research leads' studies are approved without asking, by the fingerprints of their keys. It is
 * `policy.yaml` in the site folder or in the state folder; without one, a person decides on every study.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { parseDocument } from 'yaml'
import { z } from 'zod'

export const policySchema = z.strictObject({
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

/** Throws `invalid-site-config` with the file and the field; no file means that nothing is approved automatically. */
export function readPolicy(folders: { readonly site: string; readonly state: string }): Policy {
  const paths = [...new Set([folders.site, folders.state])]
    .map((folder) => join(folder, 'policy.yaml'))
    .filter(existsSync)
  if (paths.length > 1)
    throw new FederationError('invalid-site-config', `there are two policies, ${paths.join(' and ')}: keep one of them`)
  return paths[0] === undefined ? nobody : parsePolicy(paths[0])
}

function parsePolicy(path: string): Policy {
  const invalid = (detail: string, cause?: unknown) =>
    new FederationError('invalid-site-config', `${path}: ${detail}`, { cause })
  if (statSync(path).size > policyBytesMax) throw invalid(`a policy has at most ${policyBytesMax} bytes`)
  const parsed = policySchema.safeParse(parseYaml(path, invalid) ?? {})
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw invalid(`${issue.path.join('.') || 'the file'}: ${issue.message}`, parsed.error)
}

function parseYaml(path: string, invalid: (detail: string, cause?: unknown) => FederationError): unknown {
  const document = parseDocument(readFileSync(path, 'utf8'))
  const problem = document.errors[0]
  if (problem) throw invalid(problem.message.split('\n')[0]!, problem)
  try {
    return document.toJS({ maxAliasCount: 10 })
  } catch (cause) {
    throw invalid(errorMessage(cause), cause)
  }
}
