import type { Hono } from 'hono'
import html from './page.html'

/** A page to chat with the server that it comes from: one file, which may run and style nothing but itself. */
export function servePage(app: Hono): void {
  let policy: Promise<string> | undefined
  app.get('/', async (c) => {
    policy ??= contentPolicy()
    return c.html(html, 200, {
      'content-security-policy': await policy,
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
  })
}

async function contentPolicy(): Promise<string> {
  const [style, script] = await Promise.all(['style', 'script'].map(hashOf))
  return [
    "default-src 'none'",
    `style-src ${style}`,
    `script-src ${script}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Of what stands in the page's one element of a name, as policies want it. */
async function hashOf(element: string): Promise<string> {
  const [, text] = new RegExp(`<${element}>([^]*?)</${element}>`).exec(html)!
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return `'sha256-${btoa(String.fromCharCode(...digest))}'`
}
