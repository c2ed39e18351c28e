import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSite, seriousFaults } from '@outrider/browser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../tooling/pack/src/packed-project'
import { root } from './markdown'

describe('the site, as it is built', () => {
  const site = mkdtempSync(join(tmpdir(), 'outrider-docs-'))
  let pages: Map<string, string>

  beforeAll(async () => {
    await runProgram(process.execPath, [join(root, 'docs/build/main.mjs'), site], { cwd: root })
    const files = (readdirSync(site, { recursive: true }) as string[]).filter((file) => file.endsWith('.html'))
    pages = new Map(files.map((file) => [file, readFileSync(join(site, file), 'utf8')]))
  }, 300_000)
  afterAll(() => rmSync(site, { recursive: true, force: true }))

  it('has the pages that it is to have', () => {
    for (const page of [
      'index',
      'how-it-works',
      'architecture',
      'performance',
      'guide/start',
      'guide/align',
      'guide/loss',
    ])
      expect(pages.has(`${page}.html`), page).toBe(true)
    for (const name of ['tensor', 'transformer', 'losses', 'dataset', 'training', 'speculative'])
      expect(pages.get(`api/${name}.html`)!.length, name).toBeGreaterThan(20_000)
  })

  it('has no link that leads nowhere, and no picture that is missing', () => {
    const anchors = new Map([...pages].map(([file, html]) => [file, new Set(idsOf(html))]))
    for (const [file, html] of pages)
      for (const [, address] of html.matchAll(/\s(?:href|src)="([^"]+)"/g)) {
        const url = new URL(address!.replaceAll('&amp;', '&'), `http://site/${file}`)
        const where = `${file} → ${address}`
        if (url.protocol === 'data:' || url.host !== 'site') {
          expect(url.protocol, where).toMatch(/^(https|data):$/)
          continue
        }
        const target = decodeURIComponent(url.pathname.slice(1)).replace(/(^|\/)$/, '$1index.html')
        expect(statSync(join(site, target), { throwIfNoEntry: false })?.isFile(), where).toBe(true)
        const anchor = decodeURIComponent(url.hash.slice(1))
        if (anchor !== '' && target.endsWith('.html')) expect(anchors.get(target)!.has(anchor), where).toBe(true)
      }
  })

  it('loads in a browser without an error, and axe finds nothing serious in the light or in the dark', async () => {
    const { page, url, problems, close } = await openSite(site)
    try {
      // The references are generated from one mould: one of them stands for all.
      const looked = [...pages.keys()].filter((file) => !/^(api\/(?!losses)|404)/.test(file))
      expect(looked.length).toBeGreaterThan(10)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        for (const file of looked) {
          await page.goto(url + file)
          await page.waitForFunction(() => '__vue_app__' in document.querySelector('#app')!)
          expect(await page.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(
            colorScheme === 'dark',
          )
          expect(await seriousFaults(page), `${file}, ${colorScheme}`).toEqual([])
        }
      }
      expect(problems).toEqual([])
    } finally {
      await close()
    }
  })
})

const idsOf = (html: string) => [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decodeEntities(id!))

const decodeEntities = (text: string) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"')
