/** Writes the TypeScript types of the .proto files to protos/gen: `npm run types`. The result is committed. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const out = process.argv[2] ?? join(root, 'protos', 'gen')
const generator = createRequire(import.meta.url).resolve('@grpc/proto-loader/build/bin/proto-loader-gen-types.js')

rmSync(out, { recursive: true, force: true })
const { status } = spawnSync(
  process.execPath,
  [
    generator,
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.ts',
    '--targetFileExtension=.ts',
    `--outDir=${out}`,
    'federation.proto',
    'admin.proto',
  ],
  { cwd: join(root, 'protos'), stdio: 'inherit' },
)
process.exitCode = status ?? 1
