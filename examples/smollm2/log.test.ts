import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { namedDrafts } from './drafts'
import type { Answered } from './figures'
import { answeredIn, appendTo, readLog } from './log'
import { timeLeft } from './progress'
import { inTurns, promptsOf } from './prompts'

const folder = mkdtempSync(join(tmpdir(), 'outrider-log-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('a log goes on after the last whole line, and has what was answered', async () => {
  const file = join(folder, 'log.jsonl')
  expect(await readLog(file)).toEqual([])
  const line = { setting: 'plain · greedy', prompt: 81, category: 'sums', ids: [5] } as Answered
  writeFileSync(file, `${JSON.stringify(line)}\n{"setting":"plain · gr`)
  expect(await readLog(file)).toEqual([line])
  await appendTo(file, { ...line, prompt: 82 })
  const has = answeredIn(await readLog(file))
  expect([81, 82, 83].map((prompt) => has('plain · greedy', prompt))).toEqual([true, true, false])
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3)
})

it('prompts come by turns of their categories, and the first are some of each', async () => {
  const prompts = await promptsOf()
  expect(prompts).toHaveLength(96)
  const few = inTurns(prompts, 2)
  expect(few).toHaveLength(12)
  expect(new Set(few.slice(0, 6).map(({ category }) => category)).size).toBe(6)
  expect(few[0]).toBe(prompts[0])
  expect((await promptsOf(new URL('repetition.jsonl', import.meta.url)))[2]).toMatchObject({
    prompt: 2,
    asked: [{ role: 'user' }],
  })
})

it('drafts have names of their own', () => {
  expect([...namedDrafts(['kld=runs/a=1/draft', 'runs/best', './c=d'])]).toEqual([
    ['kld', 'runs/a=1/draft'],
    ['best', 'runs/best'],
    ['c=d', './c=d'],
  ])
  expect(() => namedDrafts(['a/draft', 'b/draft'])).toThrow('Two drafts are named draft')
})

it('time left goes by the parts that are done', () => {
  expect(timeLeft({ done: 1, all: 20, seconds: 30 })).toBe('some 10 min left')
  expect(timeLeft({ done: 10, all: 2890, seconds: 50 })).toBe('some 4 h left')
})
