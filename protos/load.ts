/** Loads the .proto files, the only input and output of this workspace; both ends use the same options. */
import { fileURLToPath } from 'node:url'
import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader'
import type { ProtoGrpcType as AdminTypes } from './gen/admin.ts'
import type { ProtoGrpcType as FederationTypes } from './gen/federation.ts'

/** The generated types (`npm run types`) are made with the same options. */
const options: Options = { longs: Number, enums: String, defaults: true, oneofs: true }

export function packageDefinition(file: 'federation' | 'admin'): PackageDefinition {
  return loadSync(fileURLToPath(new URL(`./${file}.proto`, import.meta.url)), options)
}

// Reading a .proto file takes some milliseconds, so it is done once.
let federation: FederationTypes | undefined
let admin: AdminTypes | undefined

export function federationTypes(): FederationTypes['consilium']['v1'] {
  federation ??= loadPackageDefinition(packageDefinition('federation')) as unknown as FederationTypes
  return federation.consilium.v1
}

export function adminTypes(): AdminTypes['consilium']['v1'] {
  admin ??= loadPackageDefinition(packageDefinition('admin')) as unknown as AdminTypes
  return admin.consilium.v1
}
