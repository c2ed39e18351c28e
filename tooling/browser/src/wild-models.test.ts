import { readFileSync } from 'node:fs'
import { runInBrowser } from '@outrider/browser'
import { testData } from '@outrider/test-data'
import { expect, it } from 'vitest'

const model = testData('stories260K')

it('a browser loads a model of a hub, a directory and a GGUF file, and continues as the reference', async () => {
  const { cases } = JSON.parse(readFileSync(`${model}/reference.json`, 'utf8')) as {
    cases: { prompt: string; ids: number[]; greedy: number[] }[]
  }
  const { prompt, greedy } = cases[2]!
  const { answers, missing, leakedBytes } = await runInBrowser<{
    answers: Record<string, number[]>
    missing: string
    leakedBytes: number
  }>(new URL('./wild-models.fixture.ts', import.meta.url).pathname, {
    input: { prompt, tokens: 8 },
    expected: /status of 404/,
    folders: { '/hub/tiny/stories/resolve/main/': model },
  })
  expect(Object.keys(answers)).toHaveLength(4)
  for (const answer of Object.values(answers)) expect(answer).toEqual(greedy.slice(0, 8))
  expect(missing).toMatch(/nothing/)
  expect(leakedBytes).toBe(0)
})
