import { launchChromium } from './chromium.mjs'
import { watchProblems } from './problems.mjs'
import { serve } from './server.mjs'

export async function openSite(folder) {
  const server = await serve({}, { '/': folder })
  const browser = await launchChromium()
  const page = await browser.newPage()
  const problems = watchProblems(page)
  return { page, url: server.url, problems, close: () => Promise.all([browser.close(), server.close()]) }
}
