import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { seriousFaults } from '@outrider/browser'
import { testData } from '@outrider/test-data'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { again, ask, openSite, type Site, slowly, textOf, tokens } from './site.fixture'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site?.close())

const tabs = ['Chat', 'Align', 'Look inside']
const showTab = (page: Page, name: string) => page.getByRole('tab', { name }).click()

describe('the first load', () => {
  it('has under 300 kB of script, from the site alone, and no error', async () => {
    const { page, problems, requests, close } = await site.open()
    expect(requests.filter((address) => !address.startsWith(site.url))).toEqual([])
    const scripts = requests.filter((address) => address.endsWith('.js'))
    expect(scripts.length).toBeGreaterThan(1)
    const bodies = await Promise.all(scripts.map(async (address) => (await fetch(address)).bytes()))
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
    expect(bytes).toBeLessThan(300_000)
    expect(await page.title()).toBe('Outrider playground')
    expect(problems).toEqual([])
    await close()
  })
})

describe('for everybody', () => {
  it('axe finds nothing serious in any tab, in light and in dark', async () => {
    const { page, problems, close } = await site.open({ colorScheme: 'light' })
    await ask(page)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      for (const tab of tabs) {
        await showTab(page, tab)
        await page.locator('[role=tabpanel]:not([hidden]) h2').first().waitFor()
        expect(await seriousFaults(page), `${tab}, ${scheme}`).toEqual([])
      }
      await showTab(page, 'Chat')
      await page.locator('.model-button').click()
      expect(await seriousFaults(page), `the dialog, ${scheme}`).toEqual([])
      await page.keyboard.press('Escape')
    }
    expect(problems).toEqual([])
    await close()
  })

  it('fits a phone of 360 pixels, figures and settings unfolded too', async () => {
    const { page, close } = await site.open({ viewport: { width: 360, height: 640 } })
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    for (const tab of tabs) {
      await showTab(page, tab)
      await page.locator('[role=tabpanel]:not([hidden]) h2').first().waitFor()
      expect(await overflow(), tab).toBe(0)
    }
    await showTab(page, 'Chat')
    expect(await page.getByRole('heading', { name: 'Settings' }).isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Show figures and settings' }).click()
    expect(await page.getByRole('heading', { name: 'Settings' }).isVisible()).toBe(true)
    expect(await overflow()).toBe(0)
    await close()
  })

  it('is gone through by keyboard, and remembers colours and settings', async () => {
    const { page, close } = await site.open({ colorScheme: 'light' })
    await page.getByRole('tab', { name: 'Chat' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tab', { name: 'Align' }).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('End')
    expect(page.url()).toMatch(/#inside$/)
    await page.keyboard.press('Home')
    await page.getByRole('slider', { name: 'Draft length' }).focus()
    await page.keyboard.press('ArrowRight')
    for (let press = 0; press < 2; press++) await page.getByRole('button', { name: 'Colours' }).click()
    await page.reload()
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark')
    expect(await page.getByRole('slider', { name: 'Draft length' }).inputValue()).toBe('5')
    await close()
  })
})

describe('states of the engine', () => {
  it('no WebGPU: says what to do', async () => {
    const none = "Object.defineProperty(WorkerNavigator.prototype, 'gpu', { get: () => undefined })"
    const { page, problems, close } = await site.open({ worker: none, ready: false })
    const notice = page.getByRole('alert').filter({ hasText: 'No WebGPU here' })
    await notice.waitFor()
    expect(await notice.textContent()).toMatch(/hardware acceleration.*https/)
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    expect(problems).toEqual([])
    await close()
  })

  it('a software adapter without timestamp queries is called what it is', async () => {
    const without = `{
      const { has } = GPUSupportedFeatures.prototype
      GPUSupportedFeatures.prototype.has = function (name) { return name !== 'timestamp-query' && has.call(this, name) }
    }`
    const { page, problems, close } = await site.open({ tab: 'inside', worker: without })
    const hint = page.getByRole('status').filter({ hasText: 'A software adapter' })
    expect(await hint.textContent()).toContain('hardware acceleration')
    await hint.getByRole('button', { name: 'Dismiss' }).click()
    expect(await hint.count()).toBe(0)
    await page.getByText('This device has no timestamp queries').waitFor()
    expect(await page.getByRole('button', { name: 'Measure a short answer' }).count()).toBe(0)
    expect(problems).toEqual([])
    await close()
  })

  it('a lost device: says so, and goes on with the conversation on another', async () => {
    const remember = `{
      const { requestDevice } = GPUAdapter.prototype
      GPUAdapter.prototype.requestDevice = async function (...given) {
        return (globalThis.lastDevice = await requestDevice.apply(this, given))
      }
    }`
    const { page, problems, close } = await site.open({ worker: `${remember};${slowly}` })
    await ask(page)
    const whole = textOf(await tokens(page))
    const worker = page.workers()[0]!
    await worker.evaluate('globalThis.readbackDelay = 1000') // so that the answer goes on for long enough
    await page.getByRole('button', { name: 'Again' }).click()
    await page.locator('.answer:last-child .token').first().waitFor()
    await worker.evaluate('lastDevice.destroy(); readbackDelay = 25')
    const notice = page.getByRole('alert').filter({ hasText: 'The GPU device was lost' })
    await notice.waitFor()
    await page.locator('.footnote', { hasText: 'failed' }).waitFor()

    await notice.getByRole('button', { name: 'Start the engine again' }).click()
    await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
    expect(await notice.count()).toBe(0)
    await again(page)
    expect(textOf(await tokens(page))).toBe(whole)
    expect(problems).toEqual([])
    await close()
  })
})

/** Drops a file or a folder of this machine on the page. */
async function drop(page: Page, path: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x: 200, y: 300, data })
}

/** What a hub that has one model answers: files and parts of them, and 404 for those that there are not; `shown` to a page. */
async function answerAsHub(route: Route, model: string, shown = '*'): Promise<void> {
  const headers = { 'access-control-allow-origin': '*', 'access-control-expose-headers': shown, etag: '"of tiny"' }
  const file = `${model}/${new URL(route.request().url()).pathname.split('/').at(-1)}`
  if (!existsSync(file)) return route.fulfill({ status: 404, headers })
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(route.request().headers().range ?? '') ?? []
  const whole = readFileSync(file)
  if (first === undefined) return route.fulfill({ headers, body: whole })
  return route.fulfill({
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last || whole.length - 1}/${whole.length}` },
    body: whole.subarray(Number(first), last ? Number(last) + 1 : undefined),
  })
}

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const tinyChat = folder('../../../packages/cli/assets/tiny-chat')

describe('the bundled model', () => {
  it('is called the toy that it is, where it is met and where it is chosen', async () => {
    const { page, close } = await site.open()
    const said = await page.locator('.welcome').textContent()
    expect(said).toMatch(/tiny-chat is a toy.*parameters.*fewer than 200 words.*made up.*Mira.*Ask who/s)
    await page.locator('.model-button').click()
    expect(await page.getByRole('dialog').textContent()).toMatch(/bundled tiny-chat.*A toy of 1\.2 MB.*made-up world/s)
    await close()
  })
})

describe('a model of another address', () => {
  const address = 'https://models.example/tiny'
  const bytes = statSync(`${tinyChat}/model.safetensors`).size

  /** Opens the model by its address; gives which parts of its weights were asked for. */
  async function openFar(page: Page): Promise<() => string[]> {
    const asked: string[] = []
    await page.context().unroute('https://models.example/**')
    await page.context().route('https://models.example/**', (route) => {
      const request = route.request()
      if (request.url().endsWith('.safetensors')) asked.push(request.headers().range ?? 'whole')
      return answerAsHub(route, tinyChat)
    })
    await page.locator('.model-button').click()
    await page.getByLabel('From the Hugging Face Hub').fill(address)
    await page.keyboard.press('Enter')
    await page.locator('.model-button').filter({ hasText: address }).waitFor()
    return () => asked.splice(0)
  }

  it('is fetched once: the next visit asks for a byte of its weights, until they are deleted', async () => {
    const { page, problems, close } = await site.open()
    const first = await openFar(page)
    expect(first()).toEqual(['bytes=0-0', `bytes=0-${bytes - 1}`])
    await page.reload()
    await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
    const second = await openFar(page)
    expect(second()).toEqual(['bytes=0-0'])
    expect(await page.getByText('The weights are not kept').count()).toBe(0)

    await page.locator('.model-button').click()
    const kept = page.locator('.kept')
    expect(await kept.textContent()).toContain('Weights kept here: 1.13 MiB')
    await kept.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('the next visit fetches none of them').waitFor()
    await page.keyboard.press('Escape')
    const third = await openFar(page)
    expect(third()).toEqual(['bytes=0-0', `bytes=0-${bytes - 1}`])
    expect(problems.filter((problem) => !problem.includes('status of 404'))).toEqual([])
    await close()
  })

  const held = `FileSystemFileHandle.prototype.createWritable = async () => {
    throw new DOMException('no', 'NoModificationAllowedError')
  }`
  it.each([
    [
      'there is no storage',
      "StorageManager.prototype.getDirectory = async () => { throw new DOMException('no', 'SecurityError') }",
      /no Origin Private File System/,
    ],
    [
      'the storage is full',
      'StorageManager.prototype.estimate = async () => ({ quota: 1e6, usage: 9e5 })',
      /storage that the browser gives this site is full/,
    ],
    ['another tab holds a file', held, /another tab is writing it/],
  ])('is loaded all the same where %s, and the page says so', async (_, worker, why) => {
    const { page, problems, close } = await site.open({ worker })
    await openFar(page)
    const notice = page.locator('.notice', { hasText: 'The weights are not kept' })
    await notice.waitFor()
    expect(await notice.textContent()).toMatch(why)
    expect(await notice.textContent()).toContain('The next visit fetches them again.')
    expect(problems.filter((problem) => !problem.includes('status of 404'))).toEqual([])
    await close()
  })
})

describe('other models', () => {
  const stories = testData('stories260K/stories260K.f32.gguf')

  it('of a folder, of the Hub, of a GGUF file; what cannot be is said', async () => {
    const { page, problems, requests, close } = await site.open()
    const model = page.locator('.model-button')
    const drafter = (value: string) =>
      page.locator(`.drafter option[value=${value}]:checked`).waitFor({ state: 'attached' })
    const notice = page.locator('.notices .notice')

    await model.click()
    await page.getByRole('radio', { name: 'Draft' }).check()
    await page.getByLabel('Choose a GGUF file').setInputFiles(stories)
    expect(await notice.textContent()).toMatch(
      /Another vocabulary.*512 tokens in ..stories260K.f32.gguf against 455 tokens.*Use a draft/,
    )
    await notice.getByRole('button', { name: 'Dismiss' }).click()

    await model.click()
    await page.getByRole('radio', { name: 'Talk' }).check()
    await page.getByLabel('Choose a folder').setInputFiles(tinyChat)
    await drafter('lookup')
    await page.getByRole('combobox', { name: 'Drafter' }).selectOption('bundled')
    await drafter('bundled')
    await drop(page, tinyChat)
    await drafter('lookup')
    expect(requests.filter((address) => !address.startsWith(site.url) && !address.startsWith('blob:'))).toEqual([])

    await page.context().route('https://huggingface.co/**', (route) => answerAsHub(route, tinyChat, ''))
    await model.click()
    await page.getByLabel('From the Hugging Face Hub').fill('someone/tiny')
    await page.keyboard.press('Enter')
    await model.filter({ hasText: 'someone/tiny' }).waitFor()
    // Neither the place of a part nor the state of a file may be seen: it is loaded, and not kept.
    expect(await notice.textContent()).toMatch(/not kept.*nothing says when it changes/s)

    await drop(page, stories)
    await model.filter({ hasText: 'stories260K' }).waitFor()
    await page.getByRole('textbox', { name: 'Message' }).fill('Once upon a time')
    await page.keyboard.press('Enter')
    await page.locator('.answer', { hasText: 'there was' }).waitFor()
    // Stops the answer; the button may be gone before it is clicked.
    await page.keyboard.press('Escape')
    // Files that a model need not have are asked for, and the browser says of each that it is not there.
    expect(problems.filter((problem) => !problem.includes('status of 404'))).toEqual([])
    await close()
  })
})
