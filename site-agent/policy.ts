/**
 * The site's policy: which research leads' studies are approved without asking, what a study may ask for, how many rows it
 * must have here, which sites' keys are trusted, and what this site demands of a secure round. It is `policy.yaml` in the
 * site folder or in the state folder; without one, a person decides on every study and every site, by the same rules.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { cohortMax } from '@consilium/protos/limits.ts'
import { siteNameSchema } from '@consilium/protos/plan/names.ts'
import {
  evaluateExposuresMaxDefault,
  runsMaxDefault,
  studiesMaxDefault,
  trainExposuresMaxDefault,
} from '@consilium/protos/site-limits.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

/** Sites that a policy may name. */
const sitesMax = 1000

/** As `site-agent status` and `consilium lead show` print it. */
export const fingerprintSchema = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint as `SHA256:` and 43 characters, as its owner read it out')

/** Rules that a policy may do without for every study; of the others each has its own field. */
export const waivableRules = [
  'graph',
  'parameters',
  'steps',
  'batch',
  'learning-rate',
  'bins',
  'rounds',
  'weights',
  'planned',
  'studies',
  'runs',
  'split-key',
  'zeros',
] as const

/** What a study can break (`breaches.ts`), by the names under which a person accepts it. */
export const rules = ['sealed', 'columns', ...waivableRules, 'rows', 'patients', 'test-rows'] as const
export type Rule = (typeof rules)[number]

const count = (max: number) => z.int().min(1).max(max)

/** What a study may ask for without a person who accepts it. */
const limitsSchema = z.strictObject({
  leads: z.array(fingerprintSchema).max(1000).default([]),
  /** Whether that holds for studies without secure aggregation too, whose updates the coordinator can open. */
  sealed: z.boolean().default(false),
  /** Columns of the view that studies may read, features, label and split; absent: any. */
  columns: z.array(z.string().min(1).max(63)).min(1, 'a list of none lets nothing through').max(4096).exactOptional(),
  binsMax: count(4096).default(64),
  roundsMax: count(100_000).default(200),
  /** Runs of one study. */
  runsMax: count(10_000).default(runsMaxDefault),
  /** Studies of one lead that are approved without asking, in 31 days. */
  studiesMax: count(10_000).default(studiesMaxDefault),
  /** Local steps in a round, and rows that they draw. */
  stepsMin: count(1_000_000).default(10),
  rowsDrawnMin: count(1_000_000_000).default(100),
  /** Rows in a batch. */
  batchMin: count(1_000_000).default(4),
  learningRate: z
    .tuple([z.number().positive().max(1000), z.number().positive().max(1000)])
    .refine(([min, max]) => min <= max, 'the smallest learning rate is above the largest')
    .default([1e-5, 10]),
  /** Rules that hold for no study here. */
  accept: z.array(z.enum(waivableRules)).max(waivableRules.length).default([]),
})

/** Limits of their own, by the rule that a policy may do without. */
const limitsOf: Partial<Record<(typeof waivableRules)[number], readonly (keyof z.output<typeof limitsSchema>)[]>> = {
  bins: ['binsMax'],
  rounds: ['roundsMax'],
  runs: ['runsMax'],
  studies: ['studiesMax'],
  steps: ['stepsMin', 'rowsDrawnMin'],
  batch: ['batchMin'],
  'learning-rate': ['learningRate'],
}

const approveSchema = limitsSchema.superRefine((approve, context) => {
  const defaults = limitsSchema.parse({})
  for (const [i, rule] of approve.accept.entries())
    for (const limit of limitsOf[rule] ?? [])
      if (String(approve[limit]) !== String(defaults[limit])) {
        const message = `contradicts ${limit}: a rule that holds for no study here has no limit`
        context.addIssue({ code: 'custom', path: ['accept', i], message })
      }
})

/** How many rows a study must have here; fewer, and it waits for a person. */
export const rowsSchema = z.strictObject({
  /** To train on. */
  rowsMin: count(1_000_000_000).default(50),
  /** To test on. */
  testRowsMin: z.int().min(0).max(1_000_000_000).default(20),
  /** Patients among the training rows, by `patientColumn` of site.yaml; absent: as many as rows. */
  patientsMin: count(1_000_000_000).exactOptional(),
})

const policySchema = z.strictObject({
  approve: approveSchema.prefault({}),
  rows: rowsSchema.prefault({}),
  /** Sites by name, each with the fingerprint of its identity as its people read it out: no other key is trusted. */
  roster: z
    .strictObject({
      sites: z
        .record(siteNameSchema, fingerprintSchema, {
          error: 'each site by its name (lower-case letters, digits and hyphens) with its fingerprint',
        })
        .refine((sites) => Object.keys(sites).length <= sitesMax, `at most ${sitesMax} sites`)
        .superRefine((sites, context) => {
          const known = new Map<string, string>()
          for (const [site, key] of Object.entries(sites)) {
            const message = `contradicts ${known.get(key)}: each site has a fingerprint of its own`
            if (known.has(key)) context.addIssue({ code: 'custom', path: [site], message })
            known.set(key, known.get(key) ?? site)
          }
        })
        .default({}),
    })
    .prefault({}),
  /** The least that this site accepts in a secure round; a plan may ask for more. */
  secure: z
    .strictObject({
      survivorsMin: z.int().min(3).max(cohortMax).exactOptional(),
      colluders: z.int().min(0).max(cohortMax).exactOptional(),
      /** `strict`: training too is among the partners of statistics and evaluations, all of them. */
      partners: z.enum(['evaluations', 'strict']).default('evaluations'),
      /** How often this site may come and go in the training of one run. */
      trainExposuresMax: z.int().min(0).max(100_000).default(trainExposuresMaxDefault),
      /** Evaluations with one label, in other studies, whose sites differ by a few. */
      evaluateExposuresMax: z.int().min(0).max(1000).default(evaluateExposuresMaxDefault),
      /** Changes of the partners of a study with which this site goes along by itself. */
      partnerChangesMax: z.int().min(0).max(1000).default(2),
    })
    .refine(({ survivorsMin = cohortMax, colluders = 0 }) => survivorsMin >= colluders + 2, {
      path: ['survivorsMin'],
      message: 'contradicts colluders: a sum that hides a site among others than these has two sites more',
    })
    .prefault({}),
  /** Whether a run may go back to an earlier model by an entry in its log. */
  rollback: z.strictObject({ accept: z.boolean().default(false) }).prefault({}),
  /** Whether this site goes along when the coordinator was restored from an old copy and recovered. */
  recovery: z.strictObject({ accept: z.boolean().default(false) }).prefault({}),
})

export type Policy = z.output<typeof policySchema>

const policyBytesMax = 64 * 1024
/** What holds where there is no `policy.yaml`. */
export const defaultPolicy: Policy = policySchema.parse({})

/** Throws `invalid-site-config` naming file, line and field; no file means that nothing is approved or trusted by itself. */
export function readPolicy(folders: PolicyFolders): Policy {
  const file = findPolicy(folders)
  return file ? parsePolicy(file) : defaultPolicy
}

/**
 * As a running agent reads it: the file each time that it asks, its text once while that is the same. Throws `policy-refused`
 * for one that cannot be read: that is told as what it is, a matter of this site's rules and not of its records, and is over as
 * soon as the file is mended.
 */
export function policyInForce(folders: PolicyFolders): () => Policy {
  let last: (PolicyFile & { readonly policy: Policy }) | undefined
  const read = () => {
    const file = findPolicy(folders)
    if (!file) return defaultPolicy
    if (last?.path !== file.path || !last.bytes.equals(file.bytes)) last = { ...file, policy: parsePolicy(file) }
    return last.policy
  }
  return () => {
    try {
      return read()
    } catch (cause) {
      const reason = `${errorMessage(cause)}\nUntil it is mended this site takes part in nothing that hangs on its policy; no decision is lost`
      throw new FederationError('policy-refused', reason, { cause })
    }
  }
}

type PolicyFolders = { readonly site: string; readonly state: string }
type PolicyFile = { readonly path: string; readonly bytes: Buffer }

function findPolicy(folders: PolicyFolders): PolicyFile | undefined {
  const paths = [...new Set([folders.site, folders.state])]
    .map((folder) => join(folder, 'policy.yaml'))
    .filter(existsSync)
  const [path, other] = paths
  if (path === undefined) return undefined
  if (other !== undefined)
    throw new FederationError('invalid-site-config', `there are two policies, ${path} and ${other}: keep one of them`)
  return { path, bytes: readBytes(path) }
}

function parsePolicy({ path, bytes }: PolicyFile): Policy {
  const file = { name: path, bytes, bytesMax: policyBytesMax, schema: policySchema }
  return readYamlFile({ ...file, code: 'invalid-site-config' })
}

function readBytes(path: string): Buffer {
  try {
    if (statSync(path).size <= policyBytesMax) return readFileSync(path)
  } catch (cause) {
    throw new FederationError('invalid-site-config', `${path} cannot be read: let the agent's account read it`, {
      cause,
    })
  }
  throw new FederationError('invalid-site-config', `${path} is too large: a policy has at most ${policyBytesMax} bytes`)
}
