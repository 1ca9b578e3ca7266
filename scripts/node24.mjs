/**
 * Runs a TypeScript entry point on Node 24: this process where it is one, else the Node 24 binary that
 * `npm ci` installed from the registry. Usage: node scripts/node24.mjs <file> [arguments].
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

/** Path of a Node 24 (or later) binary; throws with the remedy where none is installed. */
export function node24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const platformPackage =
    process.platform === 'darwin'
      ? `node-bin-darwin-${process.arch}`
      : `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  try {
    const binary = process.platform === 'win32' ? 'node.exe' : 'node'
    return createRequire(import.meta.url).resolve(`${platformPackage}/bin/${binary}`)
  } catch (cause) {
    throw new Error(
      `Node 24 is needed, this is ${process.version} and ${platformPackage} is not installed: run npm ci, or install Node 24`,
      { cause },
    )
  }
}

/** Runs `args` under Node 24 with this terminal; passes signals on and exits as the child did. */
export function runOnNode24(args) {
  // Benches and tests load onnxruntime in their own process; unless told not to, it reports its use to its maker.
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: '1' }
  const child = spawn(node24(), args, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.exitCode = 128 + ({ SIGINT: 2, SIGTERM: 15, SIGKILL: 9, SIGHUP: 1 }[signal] ?? 0)
    else process.exitCode = code ?? 1
  })
}

if (process.argv[1] === import.meta.filename) runOnNode24(process.argv.slice(2))
