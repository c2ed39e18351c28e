import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The tsup configuration that every package shares: ESM, source maps, WGSL and HTML files as strings.
 *
 * @param {Record<string, string>} entry  entry name → source file
 * @param {import('tsup').Options} [options]
 */
export function library(entry, { dts = true, ...options } = {}) {
  return {
    entry,
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    // `bundle` (demo, tests of the built packages) needs no declarations; `build` (publishing) does.
    dts: process.env.OUTRIDER_DECLARATIONS !== 'false' && dts && declarations(entry, dts),
    sourcemap: true,
    clean: true,
    treeshake: false,
    loader: { '.wgsl': 'text', '.html': 'text' },
    esbuildPlugins: [pureDefinitions],
    ...options,
  }
}

/**
 * The compiler writes the declarations of all packages at once (`declarations.json`), as it would read the sources of those
 * below for each package again, and without what is marked internal, which siblings call and users do not; here they are
 * gathered into one file for each entry.
 */
function declarations(entry, dts) {
  const options = dts === true ? {} : dts
  const written = ([name, file]) => [name, `${emitted}${basename(process.cwd())}/${file.replace(/\.ts$/, '.d.ts')}`]
  return { ...options, entry: Object.fromEntries(Object.entries(options.entry ?? entry).map(written)) }
}

const emitted = fileURLToPath(new URL('../../dist/declarations/', import.meta.url))

/**
 * A package is one file, so what a page does not use of it can only be left out of the page where a bundler knows that making
 * it does nothing else: kernels and losses are marked so.
 */
const pureDefinitions = {
  name: 'outrider:pure-definitions',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8'))
        .replace(definition, '$1/* @__PURE__ */ $2(')
        .replace(argument, '/* @__PURE__ */ $&'),
      loader: 'ts',
    }))
  },
}

/** What stands in a kernel's definition. */
const argument = /\belements\(\{/g

const definition = /^((?:export )?const \w+(?:: \w+)? = )(defineKernel|defineStartKernel|defineRowLoss)\(/gm
