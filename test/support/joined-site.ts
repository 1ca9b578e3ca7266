/** A state folder as joining leaves it, without a coordinator: nothing listens at its address. */
import 'reflect-metadata'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { X509CertificateGenerator } from '@peculiar/x509'
import { openKeys, writeJoined } from '../../site-agent/link/identity-files.ts'

export type JoinedFolder = { readonly site: string; readonly state: string; readonly identity: Identity }

export async function joinedSite(name: string): Promise<JoinedFolder> {
  const site = mkdtempSync(join(tmpdir(), 'consilium-joined-'))
  const state = join(site, 'state')
  const { tlsKeyPem, identity, secret } = openKeys(state)
  const certificatePem = await selfSigned(name, tlsKeyPem)
  writeJoined({
    state,
    site: name,
    federation: 'consilium of tests',
    address: 'localhost:1',
    joinedAt: '2026-11-22T10:00:00.000Z',
    coordinatorPublicKey: generateIdentity().publicKey,
    authorityPem: certificatePem,
    secret,
    certificatePem,
  })
  return { site, state, identity }
}

async function selfSigned(name: string, keyPem: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const privateDer = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' })
  const publicDer = createPublicKey(keyPem).export({ type: 'spki', format: 'der' })
  const { subtle } = globalThis.crypto
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    signingAlgorithm: algorithm,
    keys: {
      privateKey: await subtle.importKey('pkcs8', new Uint8Array(privateDer), algorithm, false, ['sign']),
      publicKey: await subtle.importKey('spki', new Uint8Array(publicDer), algorithm, true, ['verify']),
    },
  })
  return certificate.toString('pem')
}
