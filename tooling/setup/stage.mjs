const terminal = process.stdout.isTTY && !process.env.CI

/** When each stage that runs now was started, by its name. */
const running = new Map()
let ticker

/**
 * One stage of the set-up, with its time: a line when it starts, a line when it is done, its output only if it failed. Several may
 * run at once.
 *
 * @param {string} name
 * @param {() => Promise<{ code: number, output: string }>} run
 * @returns {Promise<boolean>} whether it passed
 */
export async function stage(name, run) {
  const start = performance.now()
  running.set(name, start)
  if (terminal) {
    draw()
    ticker ??= setInterval(draw, 200)
  } else console.log(`  … ${name}`)

  const { code, output } = await run()
  running.delete(name)
  if (running.size === 0) ticker = clearInterval(ticker)
  if (terminal) process.stdout.write('\r\x1b[K')
  console.log(`  ${code === 0 ? '✓' : '✗'} ${name}  ${seconds(start)}`)
  if (code !== 0) console.log(output.trimEnd() || `exit code ${code}`)
  return code === 0
}

const draw = () =>
  process.stdout.write(`\r  … ${[...running].map(([name, start]) => `${name}  ${seconds(start)}`).join(', ')}`)

const seconds = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`
