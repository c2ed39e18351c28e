import { existsSync, readFileSync, rmSync } from 'node:fs'
import { binaries, root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'
import { countTests } from './vitest-results.mjs'

const adapter = `${root}tooling/setup/print-adapter.mjs`

/**
 * Builds, checks and tests everything. Each stage runs whatever became of the one before it.
 *
 * @param {string[]} args  for vitest
 * @returns {Promise<number>} the exit code
 */
export async function test(args) {
  console.log('Setting up')
  const pnpm = await install()
  if (!pnpm) return report([{ name: 'install', passed: 0, failed: 1 }])

  const path = [pnpm]
  const checks = {
    build: () => runChild(`${binaries}turbo`, ['run', 'build', '--continue', '--output-logs=errors-only'], { path }),
    lint: () => runChild(`${binaries}biome`, ['check', '.', '--error-on-warnings']),
    types: () => runChild(`${binaries}tsc`, ['-p', 'tsconfig.json']),
    published: () => runChild(process.execPath, [`${root}tooling/setup/published.mjs`], { path }),
  }
  const results = []
  const check = async (name) => {
    const ok = await stage(name, checks[name])
    results.push({ name, passed: ok ? 1 : 0, failed: ok ? 0 : 1 })
  }
  // Types are the longest and need one core alone.
  await Promise.all([check('types'), check('build').then(() => check('published')), check('lint')])
  console.log('Testing')
  console.log(`  WebGPU adapter: ${(await runChild(process.execPath, [adapter])).output.trim()}`)
  results.push(await tests(args, path))
  return report(results)
}

async function tests(args, path) {
  const file = `${root}node_modules/.outrider-tests.json`
  rmSync(file, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { code } = await runChild(`${binaries}vitest`, ['run', ...reporters, ...args], { output: 'show', path })
  return { name: 'tests', ...countTests(existsSync(file) ? readFileSync(file, 'utf8') : '', code) }
}

function report(results) {
  console.log('Summary')
  for (const { name, passed, failed, skipped } of results) {
    const count = name === 'tests' ? `  ${passed} passed, ${failed} failed, ${skipped} skipped` : ''
    console.log(`  ${failed === 0 ? '✓' : '✗'} ${name}${count}`)
  }
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failed, 0)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
