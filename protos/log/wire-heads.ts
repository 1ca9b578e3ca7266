/** What site and coordinator say of the log's heads, of revocations, recoveries and rotations, to and from `federation.proto`. */
import { z } from 'zod'
import type { KeyRotation, KnownHeads, ShownHead } from '../control-messages.ts'
import { bytesField, countField, hashBytes, hashField, invalid, listField, siteField, textField } from '../fields.ts'
import type { KeyRotation__Output } from '../gen/consilium/v1/KeyRotation.ts'
import type { KnownHeads__Output } from '../gen/consilium/v1/KnownHeads.ts'
import type { Recovery__Output } from '../gen/consilium/v1/Recovery.ts'
import type { Revocation__Output } from '../gen/consilium/v1/Revocation.ts'
import type { ShownHead__Output } from '../gen/consilium/v1/ShownHead.ts'
import type { SignedHead__Output } from '../gen/consilium/v1/SignedHead.ts'
import { keyRotationsMax, knownHeadsMax, logSizeMax, proofHashesMax, recoveriesMax, revocationsMax } from '../limits.ts'
import type { Recovery } from '../recovery.ts'
import type { Revocation } from '../revocation.ts'
import { federationStream, type SignedHead } from './signed-head.ts'

const streamPattern = /^run\/[a-z0-9][a-z0-9-]{0,80}$/
const streamCharactersMax = 100
const timeCharactersMax = 40
const epochMax = 1_000_000

export function knownHeadsField(wire: KnownHeads__Output): KnownHeads {
  return {
    heads: listField(wire.heads, 'heads', knownHeadsMax, headField, 0),
    revocations: revocationsField(wire.revocations, 0),
    rotations: rotationsField(wire.rotations, 0),
  }
}

export function wireKnownHeads({ heads, revocations, rotations }: KnownHeads) {
  return { heads: heads.map(wireHead), revocations: wireRevocations(revocations), rotations: [...rotations] }
}

export function shownHeadField(wire: ShownHead__Output): ShownHead {
  if (!wire.head) throw invalid('head', 'the head of a stream')
  return {
    head: headField(wire.head, 'head'),
    consistency: listField(
      wire.consistency,
      'consistency',
      proofHashesMax,
      (each, name) => bytesField(each, name, 32),
      0,
    ),
    recoveries: listField(wire.recoveries, 'recoveries', recoveriesMax, recoveryField, 0),
  }
}

export function wireShownHead({ head, consistency, recoveries }: ShownHead) {
  return {
    head: wireHead(head),
    consistency: [...consistency],
    recoveries: recoveries.map(({ root, ...rest }) => ({ ...rest, root: hashBytes(root) })),
  }
}

/** Revocations, each checked; fewer than `lengthMin` are refused. */
export function revocationsField(wire: readonly Revocation__Output[], lengthMin: number): Revocation[] {
  return listField(wire, 'revocations', revocationsMax, revocationField, lengthMin)
}

export function wireRevocations(revocations: readonly Revocation[]) {
  return revocations.map(({ publicKey, ...rest }) => ({ ...rest, identityPublicKey: publicKey }))
}

export function rotationsField(wire: readonly KeyRotation__Output[], lengthMin: number): KeyRotation[] {
  return listField(
    wire,
    'rotations',
    keyRotationsMax,
    (rotation, name) => ({
      oldPublicKey: bytesField(rotation.oldPublicKey, `${name}.old_public_key`, 32),
      newPublicKey: bytesField(rotation.newPublicKey, `${name}.new_public_key`, 32),
      oldSignature: bytesField(rotation.oldSignature, `${name}.old_signature`, 64),
      newSignature: bytesField(rotation.newSignature, `${name}.new_signature`, 64),
    }),
    lengthMin,
  )
}

function headField(wire: SignedHead__Output, name: string): SignedHead {
  const stream = textField(wire.stream, `${name}.stream`, streamCharactersMax)
  if (stream !== federationStream && !streamPattern.test(stream)) throw invalid(`${name}.stream`, 'a stream of the log')
  return {
    stream,
    epoch: countField(wire.epoch, `${name}.epoch`, epochMax),
    size: countField(wire.size, `${name}.size`, logSizeMax),
    root: hashField(wire.root, `${name}.root`),
    at: timeField(wire.at, `${name}.at`),
    signature: bytesField(wire.signature, `${name}.signature`, 64),
  }
}

function wireHead({ root, ...rest }: SignedHead) {
  return { ...rest, root: hashBytes(root) }
}

function revocationField(wire: Revocation__Output, name: string): Revocation {
  return {
    site: siteField(wire.site, `${name}.site`),
    publicKey: bytesField(wire.identityPublicKey, `${name}.identity_public_key`, 32),
    epoch: countField(wire.epoch, `${name}.epoch`, epochMax),
    at: timeField(wire.at, `${name}.at`),
    signature: bytesField(wire.signature, `${name}.signature`, 64),
  }
}

function recoveryField(wire: Recovery__Output, name: string): Recovery {
  return {
    epoch: countField(wire.epoch, `${name}.epoch`, epochMax),
    size: countField(wire.size, `${name}.size`, logSizeMax),
    root: hashField(wire.root, `${name}.root`),
    at: timeField(wire.at, `${name}.at`),
    signature: bytesField(wire.signature, `${name}.signature`, 64),
  }
}

const timeSchema = z.iso.datetime()

function timeField(text: string, name: string): string {
  if (!timeSchema.safeParse(textField(text, name, timeCharactersMax)).success) throw invalid(name, 'an ISO 8601 time')
  return text
}
