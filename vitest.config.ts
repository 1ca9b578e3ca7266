import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const compileCache = fileURLToPath(new URL('node_modules/.cache/consilium-compile', import.meta.url))

/** `--mode all` (`npm run test:all`) runs every suite; without it those named `*.slow.test.ts` are left out. */
export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'all' ? [] : ['test/**/*.slow.test.ts'])],
    setupFiles: ['./test/support/temporary-folder.ts', './test/support/property-seed.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    // The quick suites share two processes, which saves a third of their time: what a test sets globally it sets back. Slow
    // ones have one each: some load native libraries under an environment of their own.
    isolate: mode === 'all',
    restoreMocks: true,
    unstubEnvs: true,
    // However vitest is started: unless told not to, onnxruntime reports its use to its maker.
    // The processes that tests start find their modules compiled by those before them.
    env: { ORT_DISABLE_TELEMETRY: '1', NODE_COMPILE_CACHE: compileCache },
    maxWorkers: 2,
  },
}))
