/** The messages of the control stream to and from the domain's own types; what the coordinator sends is checked too. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { FromSite } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { ToSite__Output } from '@consilium/protos/gen/consilium/v1/ToSite.ts'
import { planBytesMax, reasonCharactersMax } from '@consilium/protos/limits.ts'
import { runIdSchema, sha256Schema } from '@consilium/protos/plan/names.ts'
import { z } from 'zod'
import type { FromCoordinator, ToCoordinator } from './link.ts'

const bytes = (min: number, max: number) =>
  z.instanceof(Uint8Array).refine(({ length }) => length >= min && length <= max, `${min} to ${max} bytes`)
const hash = bytes(32, 32).transform((value) => sha256Schema.parse(Buffer.from(value).toString('hex')))
const reason = z.string().max(reasonCharactersMax)

const studySchema = z.object({ signedStudy: bytes(1, planBytesMax) })
const assignmentSchema = z.object({ plan: bytes(1, planBytesMax), signature: bytes(64, 64) })
const collectUpdatesSchema = z.object({ planHash: hash })
const roundOverSchema = z.object({ planHash: hash, outcome: z.enum(['committed', 'failed', 'dropped']), reason })
const runOverSchema = z.object({ run: runIdSchema, outcome: z.enum(['finished', 'failed', 'cancelled']), reason })

/** Throws `message-invalid` for a message with a field out of its bounds, or of a kind this agent does not know. */
export function fromCoordinator(wire: ToSite__Output): FromCoordinator {
  if (wire.study) return { type: 'study', ...parse(studySchema, wire.study) }
  if (wire.assignment) {
    const { plan, signature } = parse(assignmentSchema, wire.assignment)
    return { type: 'assignment', plan: { bytes: plan, signature } }
  }
  if (wire.collectUpdates) return { type: 'collect-updates', ...parse(collectUpdatesSchema, wire.collectUpdates) }
  if (wire.roundOver) return { type: 'round-over', ...parse(roundOverSchema, wire.roundOver) }
  if (wire.runOver) return { type: 'run-over', ...parse(runOverSchema, wire.runOver) }
  throw new FederationError('message-invalid', 'the coordinator sent a kind of message that this agent does not know')
}

export function toCoordinator(message: ToCoordinator): FromSite {
  switch (message.type) {
    case 'progress':
      return { progress: { planHash: hashBytes(message.planHash), done: message.done, total: message.total } }
    case 'work-done':
      return { workDone: { planHash: hashBytes(message.planHash) } }
    case 'refusal':
      return {
        refusal: {
          planHash: hashBytes(message.planHash),
          studyHash: hashBytes(message.studyHash),
          code: message.code,
          reason: message.reason.slice(0, reasonCharactersMax).toWellFormed(),
        },
      }
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new FederationError('message-invalid', `the coordinator sent a bad message: ${z.prettifyError(parsed.error)}`)
}

function hashBytes(sha256: string | undefined): Buffer {
  return Buffer.from(sha256 ?? '', 'hex')
}
