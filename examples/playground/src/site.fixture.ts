import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchChromium, serve, watchProblems } from '@outrider/browser'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'

/** The built site in a browser. */
export interface Site {
  url: string
  /** A page of its own, with nothing stored; `ready` waits until the bundled models are there. */
  open(options?: OpenOptions): Promise<SitePage>
  close(): Promise<void>
}

export interface OpenOptions extends BrowserContextOptions {
  /** The tab to begin with. */
  tab?: 'chat' | 'align' | 'inside'
  /** JavaScript that the engine's worker runs before it begins. */
  worker?: string
  /** Whether to wait for the models; default true. */
  ready?: boolean
}

export interface SitePage {
  page: Page
  /** Errors of the console and of scripts. */
  problems: string[]
  /** Addresses of all requests. */
  requests: string[]
  close(): Promise<void>
}

/** Builds the site and serves it from a folder that is not the server's root, as a stranger would. */
export async function openSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-site-'))
  const root = fileURLToPath(new URL('..', import.meta.url))
  await build({ root, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } })
  const [server, browser] = await Promise.all([serve({}, { '/some/folder/': `${folder}/` }), launchChromium()])
  const url = `${server.url}some/folder/`

  return {
    url,
    async open({ tab = 'chat', worker, ready = true, ...options } = {}) {
      const context = await browser.newContext(options)
      // A busy machine compiles kernels in software for a while before the first answer.
      context.setDefaultTimeout(100_000)
      const page = await context.newPage()
      const problems = watchProblems(page)
      const requests: string[] = []
      page.on('request', (request) => requests.push(request.url()))
      if (worker !== undefined)
        await page.route('**/worker-*.js', async (route) => {
          const response = await route.fetch()
          await route.fulfill({ response, body: `${worker};${await response.text()}` })
        })
      await page.goto(`${url}#${tab}`)
      if (ready) await page.locator('.model-button').filter({ hasText: 'tiny-chat' }).waitFor({ state: 'attached' })
      if (ready) await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
      return { page, problems, requests, close: () => context.close() }
    },
    async close() {
      await Promise.all([server.close(), browser.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Code for the worker: waits before each readback, a little unless `readbackDelay` says how many milliseconds, so that the page sees every block before the next is there. */
export const slowly = `{
  const { mapAsync } = GPUBuffer.prototype
  GPUBuffer.prototype.mapAsync = async function (...given) {
    await new Promise((resolve) => setTimeout(resolve, globalThis.readbackDelay ?? 25))
    return mapAsync.apply(this, given)
  }
}`

/** Says something in Chat and waits for the end of the answer. */
export async function ask(page: Page, text = 'Tell me a story about a fox and a kite.'): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Enter')
  await page.locator('.answer:last-child .footnote').waitFor()
}

/** Takes the last answer back and waits for another. */
export async function again(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Again' }).click()
  await page.locator('.answer:last-child .footnote').waitFor()
}

/** The tokens of the last answer, with their sources. */
export const tokens = (page: Page): Promise<{ source: string; text: string }[]> =>
  page
    .locator('.answer:last-child .token')
    .evaluateAll((spans) =>
      spans.map(({ className, textContent }) => ({ source: className.replace('token ', ''), text: textContent! })),
    )

export const textOf = (parts: readonly { text: string }[]): string => parts.map(({ text }) => text).join('')
