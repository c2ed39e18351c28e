const terminal = process.stdout.isTTY && !process.env.CI

/**
 * One stage of the set-up, with its time: a line when it starts, a line when it is done, its output only if it failed.
 *
 * @param {string} name
 * @param {() => Promise<{ code: number, output: string }>} run
 * @returns {Promise<boolean>} whether it passed
 */
export async function stage(name, run) {
  const start = performance.now()
  const elapsed = () => `${((performance.now() - start) / 1000).toFixed(1)} s`
  let ticker
  if (terminal) {
    const tick = () => process.stdout.write(`\r  … ${name}  ${elapsed()}`)
    tick()
    ticker = setInterval(tick, 200)
  } else console.log(`  … ${name}`)

  const { code, output } = await run()
  clearInterval(ticker)
  if (terminal) process.stdout.write('\r\x1b[K')
  console.log(`  ${code === 0 ? '✓' : '✗'} ${name}  ${elapsed()}`)
  if (code !== 0) console.log(output.trimEnd() || `exit code ${code}`)
  return code === 0
}
