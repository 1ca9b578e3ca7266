/**
 * The roster an auditor brings along: the sites' identities and the coordinator's, as their people read them out. It is
 * all that a bundle is verified against, and what `site-agent roster export` writes.
 */
import { fingerprint } from '@consilium/protos/identity.ts'
import { base64Schema, siteNameSchema } from '@consilium/protos/plan/names.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

const keySchema = z
  .string()
  .refine(
    (text) => /^SHA256:[A-Za-z0-9+/]{43}$/.test(text) || base64Schema(32).safeParse(text).success,
    'a fingerprint (`SHA256:` and 43 characters) or an Ed25519 public key (32 bytes in base64)',
  )

const auditRosterSchema = z.strictObject({ coordinator: keySchema, sites: z.record(siteNameSchema, keySchema) })

export type AuditRoster = z.output<typeof auditRosterSchema>

const rosterBytesMax = 1024 * 1024

/** Reads YAML or JSON; throws `invalid-argument` naming line and field, or `limit-exceeded`. */
export function readAuditRoster(name: string, bytes: Uint8Array): AuditRoster {
  return readYamlFile({ name, bytes, bytesMax: rosterBytesMax, schema: auditRosterSchema, code: 'invalid-argument' })
}

/** Whether a key is the one that the roster names, by fingerprint or in full. */
export function isNamedBy(named: string | undefined, publicKey: Uint8Array): boolean {
  return named === fingerprint(publicKey) || named === Buffer.from(publicKey).toString('base64')
}
