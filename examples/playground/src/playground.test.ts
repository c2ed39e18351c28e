import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { again, ask, openSite, type Site, type SitePage, slowly, textOf, tokens } from './site.fixture'

let site: Site
let open: SitePage
let page: Page
let whole: string
beforeAll(async () => {
  site = await openSite()
  open = await site.open({ worker: slowly })
  page = open.page
  await page.getByRole('radio', { name: 'Keep' }).check()
  await ask(page)
  whole = textOf(await tokens(page))
})
afterAll(async () => {
  await site?.close()
  expect(open.problems).toEqual([])
})

const fact = (page: Page, name: string) =>
  page.locator('.figures .facts div', { hasText: name }).locator('dd').textContent()

/** Does something in the page as soon as the last answer has so many tokens: quicker than a test that asks. */
const whenTokens = (page: Page, count: number, action: string): Promise<unknown> =>
  page.evaluate(`new MutationObserver((_, watch) => {
    if (document.querySelectorAll('.turn:last-child .token').length < ${count}) return;
    watch.disconnect();
    ${action}
  }).observe(document.body, { childList: true, subtree: true })`)

describe('Chat', () => {
  it('streams an answer whose tokens say where they come from, with what was refused', async () => {
    await again(page)
    const answer = await tokens(page)
    expect([...new Set(answer.map(({ source }) => source))].sort()).toEqual(['bonus', 'correction', 'draft', 'plain'])
    expect(answer[0]!.source).toBe('plain')
    const corrections = answer.filter(({ source }) => source === 'correction')
    expect(await page.locator('.answer del.refused').count()).toBe(corrections.length)
    expect(textOf(answer)).toBe(whole)
    expect(await page.locator('[aria-live=polite]').textContent()).toBe(`Answer: ${whole}`)
  })

  it('has the figures of speculation', async () => {
    expect(Number(await page.locator('.figures .hero strong').textContent())).toBeGreaterThan(1.5)
    expect(Number(await fact(page, 'Acceptance rate'))).toBeGreaterThan(0.5)
    // Costs are measured behind the first answer.
    await expect.poll(() => fact(page, 'Pays from'), { timeout: 60_000 }).toMatch(/^(0\.\d\d|any|none)$/)
    expect(await page.locator('.bars-column').count()).toBe(4)
    for (const rate of await page.locator('.speeds-rate').allTextContents()) expect(Number(rate)).toBeGreaterThan(0)
  })

  it('goes on from the same tokens when speculation is switched off and on in mid-sentence', async () => {
    const flip = "document.querySelector('.composer [role=switch]').click()"
    await whenTokens(page, 2, flip)
    await whenTokens(page, 16, flip)
    await again(page)
    const mixed = await tokens(page)
    expect(textOf(mixed)).toBe(whole)
    const sources = mixed.map(({ source }) => source)
    const off = sources.indexOf('plain', 1)
    expect(off).toBeGreaterThan(0)
    expect(sources.slice(off, off + 5)).toEqual(['plain', 'plain', 'plain', 'plain', 'plain'])
    expect(sources.slice(off)).toContain('draft')
  })

  it('stops at once by Escape, keeps what was said, and answers again', async () => {
    await whenTokens(page, 3, "dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))")
    await again(page)
    const cut = textOf(await tokens(page))
    expect(await page.locator('.footnote').last().textContent()).toContain('stopped')
    expect(cut.length).toBeGreaterThan(0)
    expect(cut.length).toBeLessThan(whole.length / 2)
    expect(whole.startsWith(cut)).toBe(true)
    await again(page)
    expect(textOf(await tokens(page))).toBe(whole)
  })

  it('stops by its button, and the engine with it', async () => {
    await whenTokens(
      page,
      3,
      "[...document.querySelectorAll('.composer button')].find((b) => b.textContent === 'Stop').click()",
    )
    await again(page)
    const count = (await tokens(page)).length
    await page.waitForTimeout(200)
    expect((await tokens(page)).length).toBe(count)
    await page.getByRole('button', { name: 'Send' }).waitFor()
  })

  it('says who drafts; prompt lookup gives the same words', async () => {
    await page.getByRole('combobox', { name: 'Drafter' }).selectOption('lookup')
    await page.locator('.drafter option[value=lookup]:checked').waitFor({ state: 'attached' })
    await again(page)
    expect(textOf(await tokens(page))).toBe(whole)
    await page.getByRole('combobox', { name: 'Drafter' }).selectOption('bundled')
    await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
  })

  it('looks up what was said before it asks the draft, and shows what was found', async () => {
    const own = await site.open()
    await own.page.getByRole('switch', { name: 'Look up what was said' }).check()
    await ask(own.page)
    await ask(own.page) // what it answers now was said
    expect(await own.page.locator('.answer').last().locator('.looked-up').count()).toBeGreaterThan(3)
    expect(await fact(own.page, 'Looked up')).toMatch(/^\d+ \/ \d+$/)
    expect(await own.page.locator('.legend .looked-up').textContent()).toBe('looked up, accepted')
    expect(own.problems).toEqual([])
    await own.close()
  })

  it('learns from answers: what it said is drafted in a conversation that knows nothing of it', async () => {
    const own = await site.open()
    await own.page.getByRole('switch', { name: 'Learn from answers' }).check()
    await ask(own.page)
    const first = textOf(await tokens(own.page))
    await own.page.getByRole('button', { name: 'New conversation' }).click()
    await ask(own.page)
    expect(textOf(await tokens(own.page))).toBe(first)
    expect(await own.page.locator('.answer').last().locator('.looked-up').count()).toBeGreaterThan(3)
    expect(await fact(own.page, 'From answers')).toMatch(/^\d+ \/ \d+$/)
    expect(own.problems).toEqual([])
    await own.close()
  })

  it('goes on from the same tokens with another drafter and rule in mid-sentence', async () => {
    const select = "document.querySelector('.drafter select')"
    await whenTokens(
      page,
      4,
      `${select}.value = 'lookup'; ${select}.dispatchEvent(new Event('change', { bubbles: true }))`,
    )
    await whenTokens(
      page,
      4,
      "[...document.querySelectorAll('.choice-options label')].find((l) => l.textContent === 'Token').click()",
    )
    await again(page)
    expect(textOf(await tokens(page))).toBe(whole)
    expect(await page.locator('.drafter select').inputValue()).toBe('lookup')
    await page.getByRole('radio', { name: 'Block' }).check()
    await page.getByRole('combobox', { name: 'Drafter' }).selectOption('bundled')
    await page.locator('.drafter option[value=bundled]:checked').waitFor({ state: 'attached' })
  })

  it('draws the same words from the same seed, and others from another', async () => {
    const drawn = async (seed: number) => {
      await page.getByRole('spinbutton', { name: 'Seed' }).fill(String(seed))
      await again(page)
      return textOf(await tokens(page))
    }
    await page.getByRole('slider', { name: 'Temperature' }).fill('1')
    await page.getByRole('radio', { name: 'Token' }).check()
    const [first, other, repeated] = [await drawn(1), await drawn(2), await drawn(1)]
    expect(other).not.toBe(first)
    expect(repeated).toBe(first)
  })

  it('chooses γ automatically', async () => {
    await page.getByRole('slider', { name: 'Temperature' }).fill('0')
    await page.getByRole('switch', { name: 'Choose γ automatically' }).check()
    expect(await page.getByRole('slider', { name: 'Draft length' }).isDisabled()).toBe(true)
    await again(page)
    expect(textOf(await tokens(page))).toBe(whole)
  })

  it('leaves out what no longer fits into the context, and says so', async () => {
    await ask(page, 'Tell me about Mira.')
    await ask(page, 'Tell me about Tomo.')
    await ask(page, 'Tell me about Lena.')
    expect(await page.locator('.footnote').last().textContent()).toMatch(/the first \d messages no longer fit/)
  })
})

describe('Look inside', () => {
  it('shows the adapter, memory and what stages moved', async () => {
    await page.getByRole('tab', { name: 'Look inside' }).click()
    const section = (name: string) => page.getByRole('region', { name, exact: true })
    expect(await section('Adapter').textContent()).toMatch(/swiftshader.*subgroups.*One storage binding/i)
    expect(await section('Memory and work').textContent()).toMatch(/1\.\d+ MiB/)
    const stages = () => section('What each stage moved').getByRole('row').allTextContents()
    // What steps cost is measured while nobody asks: before the answer or after it, which the machine decides.
    await expect.poll(async () => (await stages()).join(), { timeout: 60_000 }).toContain('measure what steps cost')
    const moved = await stages()
    expect(moved.find((stage) => stage.startsWith('answer'))).toMatch(/^answer with \d+ tokens in \d+ passes/)
    expect(moved.join()).toMatch(/read \d+ tokens of the prompt.*open tiny-chat/)
  })

  it('tunes kernels for the model, says what it gained, and uses them in the next load', async () => {
    const own = await site.open({ tab: 'inside' })
    const card = own.page.getByRole('region', { name: 'Kernels for this adapter' })
    const said = card.getByRole('status')
    await card.getByRole('spinbutton', { name: 'Seconds it may take' }).fill('300')
    await card.getByRole('button', { name: 'Tune' }).click()
    await card.getByRole('button', { name: 'Stop' }).click()
    await card.getByRole('button', { name: 'Tune' }).waitFor()
    expect(await said.textContent()).toBe('') // nothing is kept of what was stopped
    await card.getByRole('button', { name: 'Tune' }).click()
    await card.getByRole('progressbar').waitFor()
    const result = await said.filter({ hasText: 'Kept for' }).textContent()
    expect(result).toMatch(/^(Layers over prompts run \d+ % faster by \d other kernels?|The defaults are best here\.)/)
    expect(result).toMatch(/5 shapes timed, \d with a faster kernel/)
    await own.page.reload()
    const kept = result!.slice(result!.indexOf('Kept for')).replace(/, in use.*/, ', in use.')
    expect(await said.filter({ hasText: 'Kept for' }).textContent()).toBe(kept)
    await own.page.getByRole('tab', { name: 'Chat' }).click()
    await ask(own.page)
    expect(textOf(await tokens(own.page)).length).toBeGreaterThan(20)
    expect(own.problems).toEqual([])
    await own.close()
  })

  it('shows the time by kernel', async () => {
    await page.getByRole('button', { name: 'Measure a short answer' }).click()
    const kernels = page.getByRole('region', { name: 'Time by kernel', exact: true }).locator('tbody tr')
    await kernels.first().waitFor()
    const shares = await kernels.locator('td:nth-child(4)').allTextContents()
    expect(shares.reduce((sum, share) => sum + Number.parseFloat(share), 0)).toBeCloseTo(100, -0.5)
    expect(await kernels.locator('code').allTextContents()).toContain('verify (block)')
  })
})
