/**
 * The tsup configuration that every package shares: ESM, source maps, WGSL files as strings.
 *
 * @param {Record<string, string>} entry  entry name → source file
 * @param {import('tsup').Options} [options]
 */
export function library(entry, options = {}) {
  return {
    entry,
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    // `bundle` (demo, tests of the built packages) needs no declarations; `build` (publishing) does.
    dts: process.env.OUTRIDER_DECLARATIONS !== 'false',
    sourcemap: true,
    clean: true,
    treeshake: false,
    loader: { '.wgsl': 'text' },
    ...options,
  }
}
