import { runInBrowser } from '@outrider/browser'
import { describe, expect, it } from 'vitest'

const fixture = (name: string) => new URL(`./${name}.fixture.ts`, import.meta.url).pathname

describe('the headless browser from npm', () => {
  it('dispatches a compute shader and reads the result back', async () => {
    const numbers = Array.from({ length: 100 }, (_, i) => i)
    const result = await runInBrowser<{ squared: number[]; isolated: boolean }>(fixture('compute'), { input: numbers })
    expect(result.squared).toEqual(numbers.map((x) => x * x))
    expect(result.isolated).toBe(true)
  })

  it('fails when the module throws, when it logs an error and when a promise is left rejected', async () => {
    for (const [way, words] of Object.entries({ throw: 'thrown', console: 'logged', unhandled: 'unhandled' }))
      await expect(runInBrowser(fixture('error'), { input: way })).rejects.toThrow(`${words} on purpose`)
  })
})
