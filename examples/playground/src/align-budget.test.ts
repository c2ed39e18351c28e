import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { seriousFaults } from '@outrider/browser'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { again, ask, openSite, type Site, type SitePage, textOf, tokens } from './site.fixture'

const tinyChat = fileURLToPath(new URL('../../../packages/cli/assets/tiny-chat', import.meta.url))

let site: Site
let open: SitePage
let page: Page
beforeAll(async () => {
  site = await openSite()
  open = await site.open()
  page = open.page
  page.setDefaultTimeout(200_000)
})
afterAll(async () => {
  await site?.close()
  expect(open.problems).toEqual([])
})

const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const phase = (name: string | RegExp) => page.locator('#run-title .badge', { hasText: name }).waitFor()
const stage = (name: string) => page.locator('.stage', { has: page.getByText(name, { exact: true }) })
const isIn = (name: string, ...states: string[]) =>
  page.waitForFunction(
    `${JSON.stringify(states)}.includes([...document.querySelectorAll('.stage')].find((stage) =>
      stage.querySelector('strong').textContent === '${name}')?.dataset.state)`,
  )

/** Opens the bundled model's directory as a user opens one of theirs, and goes to Align. */
async function openAsTheirs(weights = 'As stored'): Promise<void> {
  await page.getByRole('tab', { name: 'Chat' }).click()
  await page.locator('.model-button').click()
  await page.getByRole('radio', { name: weights }).check()
  await page.getByLabel('Choose a folder').setInputFiles(tinyChat)
  await page.locator('.drafter option[value=lookup]:checked').waitFor({ state: 'attached' })
  await page.getByRole('tab', { name: 'Align' }).click()
}

/** Makes the plan that was stored one of seconds, for a machine where no draft pays; nothing else is kept of the run. */
const shortenPlan = () =>
  page.evaluate(`(async () => {
    let folder = await navigator.storage.getDirectory()
    for (const name of ['outrider-align', 'draft-for-tiny-chat', 'align']) folder = await folder.getDirectoryHandle(name)
    for await (const name of folder.keys())
      if (!['align.json', 'instructions.txt', 'text.txt'].includes(name)) await folder.removeEntry(name, { recursive: true })
    const file = await folder.getFileHandle('align.json')
    const plan = JSON.parse(await (await file.getFile()).text())
    for (const { ceilings } of plan.look.candidates) for (const ceiling of ceilings) ceiling.breakEvenAcceptance = null
    Object.assign(plan.generate, { written: 4, writtenBy: 'openings', writtenHeldOut: 2, temperatures: [0], maxTokens: 10 })
    Object.assign(plan.pretrain, { steps: 4, batchSize: 4 })
    Object.assign(plan.distill, { batchSize: 4, validateEvery: 3 })
    for (const phase of plan.distill.phases) phase.steps = 6
    Object.assign(plan.evaluate, { prompts: 2, maxTokens: 8, temperatures: [0] })
    const stream = await file.createWritable()
    await stream.write(JSON.stringify(plan))
    await stream.close()
  })()`)

async function downloaded(name: string): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), press(name)])
  return readFile(await download.path())
}

describe('Align, of a model that the user opened', () => {
  it('looks before it trains, and shows what a draft could bring and what each stage is for', async () => {
    await openAsTheirs()
    await page.getByLabel('Time for all of it').fill('1')
    await page.getByRole('radio', { name: 'Seconds' }).check()
    await page.getByText('Instructions and text of your own').click()
    await page.getByLabel('Instructions', { exact: true }).fill('Tell me about Mira.\nWho is Tomo?\nWho is Lena?')
    expect(await seriousFaults(page)).toEqual([])
    await press('Align')
    await page.locator('#run-title:focus').waitFor()
    await isIn('Look', 'done')
    const costs = page.getByRole('region', { name: 'What a draft could bring here' })
    expect(await costs.locator('tbody tr').count()).toBeGreaterThanOrEqual(5)
    expect(await costs.textContent()).toMatch(/pays from τ.*α 0\.5.*\d\.\d\d×/)
    expect(await stage('Answers').textContent()).toMatch(/the target answers \d+ instructions/)
    expect(await stage('Measure').textContent()).toMatch(/nothing was learned from/)
    // Whether a draft pays is this machine's.
    await phase(/Running|Nothing trained/)
    if ((await page.locator('#run-title .badge').textContent()) === 'Running') await press('Pause')
    await phase(/Paused|Nothing trained/)
    expect(await seriousFaults(page)).toEqual([])
  }, 300_000)

  it('opened again where no draft can pay, says so and has trained nothing', async () => {
    await shortenPlan()
    await page.reload()
    await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
    await openAsTheirs()
    await phase('Nothing trained')
    expect(await page.locator('.run-head [role=alert]').textContent()).toMatch(/No draft can pay here/)
    expect(await page.getByRole('heading', { name: 'The draft' }).count()).toBe(0)
  }, 300_000)

  it('trains one all the same; stopped, it keeps everything, and goes on to the verdict', async () => {
    await press('Train one all the same')
    await isIn('Pretrain', 'running', 'done')
    await press('Pause')
    await phase('Paused')
    expect(await stage('Answers').textContent()).toMatch(/Done, in/)
    await press('Go on')
    await phase('Done')
    expect(await page.locator('.stage[data-state=done]').count()).toBe(5)
    expect(await page.locator('.run-sentence').textContent()).toMatch(/γ auto, greedy, 2 held-out prompts/)
    const measured = page.getByRole('region', { name: 'Measured in turns' }).locator('tbody tr')
    const ways = ['lookup', 'draft', 'lookup+table', 'lookup+table+draft']
    expect(await measured.locator('th').allTextContents()).toEqual([...ways, ...ways])
    expect(await measured.last().textContent()).toMatch(/auto.*\d\.\d\d×/)
    for (const plot of ['Loss', 'Acceptance rate α', 'Simulated acceptance length']) {
      const words = await page.getByRole('img', { name: `${plot} by step` }).getAttribute('aria-label')
      expect(words).toMatch(/\d\.\d\d/)
    }
    expect(await seriousFaults(page)).toEqual([])
  }, 300_000)

  it('its draft drafts in Chat at once, and is saved with its card as a file and into a folder', async () => {
    await page.getByRole('tab', { name: 'Chat' }).click()
    await page.locator('.drafter option:checked', { hasText: 'your draft, aligned' }).waitFor({ state: 'attached' })
    await ask(page, 'Tell me about Mira.')
    const plain = textOf(await tokens(page))
    expect(plain).not.toBe('')
    // The model answered this for its draft, greedily: what it said there is found here.
    await page.getByRole('tab', { name: 'Align' }).click()
    await page.getByRole('switch', { name: "Look up in the model's answers in Chat" }).check()
    await page.getByRole('tab', { name: 'Chat' }).click()
    await again(page)
    expect(textOf(await tokens(page))).toBe(plain)
    expect((await tokens(page)).map(({ source }) => source)).toContain('draft looked-up')
    await page.getByRole('tab', { name: 'Align' }).click()
    const files = ['config.json', 'model.safetensors', 'tokenizer.json', 'README.md', 'report.html', 'answers.bin']
    const zip = await downloaded('Hugging Face folder (.zip)')
    for (const file of files) expect(zip.includes(`draft-for-tiny-chat/${file}`), file).toBe(true)
    // A folder of the browser's own file system in place of one that a person picks.
    await page.evaluate(`window.showDirectoryPicker = async () =>
      (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true })`)
    await press('Save into a folder…')
    await page.locator('.notice', { hasText: 'picked/draft-for-tiny-chat' }).waitFor()
    const saved = await page.evaluate(`(async () => {
      const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle('picked')
      return Array.fromAsync((await picked.getDirectoryHandle('draft-for-tiny-chat')).keys())
    })()`)
    expect(saved).toEqual(expect.arrayContaining(files))
  })

  it('another model of that name is refused what belongs to the first, until it begins anew', async () => {
    await openAsTheirs('8 bits')
    await phase('Not begun')
    expect(await page.locator('.run-head [role=alert]').textContent()).toMatch(/a run for another target/)
    expect(await seriousFaults(page)).toEqual([])
    await press('Start over')
    await press('Delete')
    await page.getByLabel('Time for all of it').waitFor()
    await page.getByRole('radio', { name: 'By hand' }).check()
    await page.getByRole('button', { name: 'Train the draft' }).waitFor()
  })
})
