import { wgsl } from '@outrider/build/vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [wgsl()],
  resolve: { conditions: ['@outrider/source', 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: ['@outrider/source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['{packages,examples,tooling,docs}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    setupFiles: ['@outrider/build/vitest-setup'],
    // A kernel is compiled once a process: files of one worker share their modules, so they share its device too.
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
