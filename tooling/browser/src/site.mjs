import { launchChromium } from './chromium.mjs'
import { serve } from './server.mjs'

export async function openSite(folder) {
  const server = await serve({}, { '/': folder })
  const browser = await launchChromium()
  const page = await browser.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(error.stack ?? String(error)))
  page.on('crash', () => problems.push('the page crashed'))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  return { page, url: server.url, problems, close: () => Promise.all([browser.close(), server.close()]) }
}
