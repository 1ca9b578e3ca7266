#!/usr/bin/env node
/** Starts the site agent's command line on Node 24: in this process where it is one, else on the one that npm ci installed. */
// What an agent writes (ledger, journal, studies) is for its own account only.
process.umask(0o077)

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Whoever reads our output may stop early (`| head`): that is no error.
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const { main } = await import('../cli/main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  const { runOnNode24 } = await import('../../scripts/node24.mjs')
  runOnNode24([import.meta.filename, ...process.argv.slice(2)])
}
