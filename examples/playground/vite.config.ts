import { wgsl } from '@outrider/build/vite'
import { defineConfig } from 'vite'

/** A static site that may lie in any folder of any server. Our packages are taken from their sources. */
export default defineConfig({
  base: './',
  plugins: [wgsl({ comments: false })],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['@outrider/source', 'browser', 'module', 'import', 'default'] },
  worker: { format: 'es', plugins: () => [wgsl({ comments: false })] },
  build: {
    target: 'es2022',
    cssTarget: ['chrome125', 'firefox128', 'safari18'],
    // The files of the bundled models stay files.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
})
