import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSite, seriousFaults } from '@outrider/browser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../tooling/pack/src/packed-project'
import { previewCommand } from '../tooling/setup/docs.mjs'
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
    for (const name of [
      'tensor',
      'transformer',
      'losses',
      'dataset',
      'training',
      'speculative',
      'evaluation',
      'align',
      'server',
    ])
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

  it('is shown by the command that `npm run docs` prints', async () => {
    const port = await freePort()
    const server = spawn(`exec ${previewCommand} --port ${port}`, {
      cwd: root,
      env: { ...process.env, DOCS_OUT: site, npm_config_yes: 'false' }, // npx shall find it here, not ask for it elsewhere
      shell: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    try {
      await new Promise<void>((resolve, reject) => {
        for (const stream of [server.stdout, server.stderr])
          stream.on('data', (chunk) => {
            said += chunk
            if (said.includes(String(port))) resolve()
          })
        server.on('close', (code) => reject(new Error(`${previewCommand} ended with ${code}:\n${said}`)))
      })
      const page = await fetch(`http://localhost:${port}/guide/start.html`)
      expect(await page.text()).toBe(pages.get('guide/start.html'))
    } finally {
      if (server.exitCode === null) process.kill(-server.pid!)
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

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const idsOf = (html: string) => [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decodeEntities(id!))

const decodeEntities = (text: string) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"')
