import { bundle } from './bundle.mjs'
import { launchChromium } from './chromium.mjs'
import { watchProblems } from './problems.mjs'
import { serve } from './server.mjs'

export { seriousFaults } from './axe.mjs'
export { openSite } from './site.mjs'
export { launchChromium, serve, watchProblems }

export async function runInBrowser(
  module,
  { input = null, folders = {}, onLog, expected, quotaBytes, timeout = 60_000 } = {},
) {
  const script = await bundle(module)
  const server = await serve({ '/program.js': script }, folders)
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    const problems = watchProblems(page, { expected, onLog })
    const run = async () => {
      await page.goto(server.url)
      if (quotaBytes !== undefined) await limitStorage(page, quotaBytes)
      // As text: what a bundler makes of `import()` in here would not be known to the page.
      return page.evaluate(`import('/program.js').then((program) => program.default(${JSON.stringify(input)}))`)
    }
    const result = await withTimeout(run(), timeout).catch((error) => {
      throw new Error([`${module} failed in the browser: ${error.message ?? error}`, ...problems].join('\n'))
    })
    if (problems.length > 0) throw new Error([`${module} ran in the browser with errors:`, ...problems].join('\n'))
    return result
  } finally {
    await Promise.all([browser.close(), server.close()])
  }
}

/** Makes the browser give a page's site so many bytes to store, as a full disk would. */
export async function limitStorage(page, quotaSize) {
  const session = await page.context().newCDPSession(page)
  await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize })
}

async function withTimeout(promise, milliseconds) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${milliseconds / 1000} s`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
