import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['./test/support/property-seed.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    // However vitest is started: unless told not to, onnxruntime reports its use to its maker.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    maxWorkers: 2,
  },
})
