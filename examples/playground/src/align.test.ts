import { readFile } from 'node:fs/promises'
import { limitStorage, seriousFaults } from '@outrider/browser'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, openSite, type Site, type SitePage } from './site.fixture'

/** Code for the worker: its device is lost when the page says so. */
const losable = `{
  const { requestDevice } = GPUAdapter.prototype
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given)
    new BroadcastChannel('lose the device').onmessage = () => device.destroy()
    return device
  }
}`

/** Seconds of work: a draft of one narrow layer, few answers, few steps. */
const tiny = {
  Layers: 1,
  Width: 32,
  Instructions: 5,
  'Held out': 2,
  'Tokens an answer': 14,
  'Pretraining steps': 12,
  'Distillation steps': 14,
  'Rows a batch': 4,
}

const hellinger = `sum affinity = sqrt(p * q)
value = 1.0 - affinity
weightedMass = -0.5 * sqrt(p * q)`

let site: Site
let open: SitePage
let page: Page
beforeAll(async () => {
  site = await openSite()
  open = await site.open({ tab: 'align', worker: losable })
  page = open.page
  page.setDefaultTimeout(90_000)
})
afterAll(async () => {
  await site?.close()
  expect(open.problems).toEqual([])
})

const phase = (name: string) => page.locator('#run-title .badge', { hasText: name }).waitFor()
const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const train = () => press('Train the draft')
const steps = async (stage: string) =>
  Number.parseInt((await page.locator('.stage', { hasText: stage }).locator('.quiet').textContent())!, 10)
const distilledSteps = () => steps('Distil from the target')

/** Waits until a stage, of which there are three, has done so much. */
const reached = (stage: 1 | 2, done: number) =>
  page.waitForFunction(`Number.parseInt(document.querySelectorAll('.stage .quiet')[${stage}]?.textContent) >= ${done}`)

/** Opens every number of the plan and fills them in. */
async function fillPlan(): Promise<void> {
  await page.getByText('All numbers').click()
  for (const [label, value] of Object.entries(tiny)) await page.getByLabel(label, { exact: true }).fill(String(value))
}

async function type(text: string): Promise<void> {
  await page.getByLabel('Loss', { exact: true }).selectOption('your own')
  const editor = page.getByRole('textbox', { name: 'Your loss' })
  await editor.waitFor()
  await editor.fill(text)
}

/** The newest values beside the names of a plot. */
const figures = async (plot: string) =>
  valuesOf(await page.locator('.plot', { hasText: plot }).locator('.plot-keys li').allTextContents())

function valuesOf(keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    keys.map((text) => {
      const [, name, value] = /^(.*) (\S+)$/.exec(text)!
      return [name!, Number(value)]
    }),
  )
}

/** The first values that two plots have of held-out rows, taken by the page itself: a run of few steps is soon further on. */
async function firstFigures(plots: readonly [string, string]): Promise<Record<string, number>[]> {
  const keys = await page.waitForFunction((names) => {
    const all = [...document.querySelectorAll('.plot')]
    const found = names.map((name) => all.find(({ textContent }) => textContent.includes(name)))
    const texts = found.map((plot) => Array.from(plot?.querySelectorAll('.plot-keys li') ?? [], (li) => li.textContent))
    const [rates, lengths] = texts
    const areThere = rates!.some((text) => /^held out \d/.test(text)) && lengths!.some((text) => /^γ = 3 \d/.test(text))
    return areThere ? texts : null
  }, plots)
  return (await keys.jsonValue())!.map(valuesOf)
}

async function downloaded(name: string): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), press(name)])
  return readFile(await download.path())
}

/** The weights of the draft of a run that nothing interrupted. */
let straight: Buffer

describe('Align', () => {
  it('reports a broken loss of one’s own at its line, and waits with training until it is mended', async () => {
    await fillPlan()
    await type('sum distance = abs(p - q)\nvalue =\n  distance * select(1.0, true)\nweight = sign(p - quality)')
    const verdict = page.locator('.verdict')
    await verdict.getByText('Line 4, column 19').waitFor()
    expect(await verdict.textContent()).toMatch(/quality is not known here/)
    expect(await page.getByRole('button', { name: 'Train the draft' }).isDisabled()).toBe(true)

    await type('sum distance = abs(p - q)\nvalue =\n  distance * select(1.0, true)\nweight = sign(p - q)')
    await verdict.getByText('Line 3, column 14').waitFor()
    expect(await verdict.textContent()).toMatch(/select/)
    await page.locator('.cm-lint-marker-error').waitFor()
    expect(await page.locator('.cm-lintRange-error').textContent()).toMatch(/^select/)
    expect(await seriousFaults(page)).toEqual([])

    await type(hellinger)
    await verdict.getByText('It compiles.').waitFor()
  })

  it('trains with it: α and the simulated acceptance length rise, and Chat drafts with it meanwhile', async () => {
    await train()
    const first = firstFigures(['Acceptance rate', 'Simulated acceptance'])
    await page.locator('#run-title:focus').waitFor()
    await page.locator('.drafter option:checked', { hasText: 'your draft' }).waitFor({ state: 'attached' })
    await page.getByRole('tab', { name: 'Chat' }).click()
    const answer = ask(page)
    await page.locator('.answer .token').first().waitFor()
    expect(await page.locator('#run-title .badge').textContent()).toBe('Training')
    const [rate, length] = await first
    await answer
    await page.getByRole('tab', { name: 'Align' }).click()
    await phase('Done')
    const after = { rate: await figures('Acceptance rate'), length: await figures('Simulated acceptance') }
    expect(after.rate['held out']!).toBeGreaterThan(rate!['held out']! + 0.03)
    expect(after.length['γ = 3']!).toBeGreaterThan(length!['γ = 3']!)
    expect((await figures('Loss')).training).toBeLessThan(1)
    expect(await seriousFaults(page)).toEqual([])
  })

  it('gives the draft as a folder that loads, and as safetensors; GGUF says why it cannot be', async () => {
    straight = await downloaded('Weights (.safetensors)')
    const zip = await downloaded('Hugging Face folder (.zip)')
    for (const file of ['config.json', 'tokenizer.json', 'model.safetensors'])
      expect(zip.includes(`draft-for-tiny-chat/${file}`)).toBe(true)
    expect(zip.includes(straight)).toBe(true)
    await press('GGUF')
    await page.locator('.notice', { hasText: 'cannot be written as GGUF' }).waitFor()
    await page.locator('.notices').getByRole('button', { name: 'Dismiss' }).click()
  })

  it('adapts a copy of the draft to propose a block in one pass, and measures both in turns; the table says which was fastest', async () => {
    await press('Adapt and measure')
    await page.locator('.stage', { hasText: 'Adapt to blocks' }).waitFor()
    const measured = page.getByRole('region', { name: 'Measured in turns' }).locator('tbody tr')
    await measured.last().waitFor()
    await phase('Done')
    expect(await measured.locator('th').allTextContents()).toEqual([
      ...['a token at a time', 'a token at a time'],
      ...['a block in one pass', 'a block in one pass'],
    ])
    expect(await measured.last().textContent()).toMatch(/05\d\.\d\d.*\d\.\d\d×/)
    await page.getByText(/^Fastest: (a (token|block) .*γ = [35]|decoding without a draft)\.$/).waitFor()
    expect(await seriousFaults(page)).toEqual([])
    expect((await downloaded('Weights (.safetensors)')).equals(straight)).toBe(true)
  })

  it('paused, reloaded, out of storage and without its device, a run ends in the same bytes', async () => {
    await press('Start over')
    await press('Delete')
    await fillPlan()
    await type(hellinger)
    await train()
    await reached(1, 2)
    await press('Pause')
    await phase('Paused')
    const paused = await steps('Pretrain')
    expect(paused).toBeGreaterThan(1)
    expect(paused).toBeLessThan(tiny['Pretraining steps'])

    await page.reload()
    await phase('Paused')
    expect(await steps('Pretrain')).toBe(paused)
    await limitStorage(page, 1000)
    await press('Go on')
    await phase('Waits for room')
    expect(await page.getByRole('alert').allTextContents()).toContainEqual(expect.stringMatching(/nothing is lost/))
    await press('Try again')
    await phase('Waits for room')
    await limitStorage(page, 2 ** 30)
    await press('Try again')
    await reached(2, 2)

    await page.evaluate("new BroadcastChannel('lose the device').postMessage('now')")
    await press('Start the engine again')
    await phase('Paused')
    await press('Go on')
    await phase('Done')
    expect(await distilledSteps()).toBe(tiny['Distillation steps'])
    expect((await downloaded('Weights (.safetensors)')).equals(straight)).toBe(true)
  }, 300_000)

  it('distils again with a built-in loss, from the same pretrained draft', async () => {
    await page.getByText('Distil again with another loss').click()
    await page.getByLabel('Loss', { exact: true }).selectOption('kld')
    await page.getByLabel('Distillation steps').fill('3')
    await press('Distil again')
    await page.waitForFunction('document.querySelector(".run-head").textContent.includes("KLD")')
    await phase('Done')
    expect(await distilledSteps()).toBe(3)
    expect((await downloaded('Weights (.safetensors)')).equals(straight)).toBe(false)
  })
})
