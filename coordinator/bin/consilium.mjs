#!/usr/bin/env node
/**
 * Starts the `consilium` command line: in this process where it is Node 24 or later, else on the Node 24 that `npm ci`
 * installed from the registry.
 */
import { fileURLToPath } from 'node:url'

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Whoever reads our output may stop early (`| head`): that is no error.
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const { main } = await import('../cli/main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  try {
    const { runOnNode24 } = await import('../../scripts/node24.mjs')
    runOnNode24([fileURLToPath(import.meta.url), ...process.argv.slice(2)])
  } catch (error) {
    const missing = error.code === 'ERR_MODULE_NOT_FOUND'
    process.stderr.write(
      `error: ${missing ? `Node 24 or later is needed, this is ${process.version}` : error.message}\n`,
    )
    process.exitCode = 1
  }
}
