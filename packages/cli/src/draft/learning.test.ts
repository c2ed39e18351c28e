import { PassThrough } from 'node:stream'
import { directory, loadTokenizer } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { Context } from '../context'
import { bundledTarget } from '../demo/bundled-target'
import { Terminal } from '../terminal'
import { learningOf } from './learning'

/** What is said when `--learn` is given with a draft that has no folder. */
async function said(name: string): Promise<string> {
  const out = new PassThrough()
  const terminal = new Terminal({ out, err: out, env: {}, json: false })
  const context = new Context(terminal, new AbortController().signal, {} as never)
  const { tokenizer } = await loadTokenizer(directory(bundledTarget()))
  const draft = { name, lookup: true, answers: undefined, model: undefined, folder: undefined }
  const learning = await learningOf(context, { learn: true, draft, target: { tokenizer }, inputs: {} })
  learning!.add([1, 2])
  await learning!.save()
  return String(out.read() ?? '').replace(/\s+/g, ' ')
}

test('what is learnt beside a draft of the Hub is said to be forgotten, and how to keep it', async () => {
  expect(await said('lookup+someone/a-draft')).toMatch(
    /forgotten at the end: lookup\+someone\/a-draft names no folder.*--draft lookup\+DIR/,
  )
})

test('who looks up alone asked for no place to keep it in, and is told nothing', async () => {
  expect(await said('lookup')).toBe('')
})
