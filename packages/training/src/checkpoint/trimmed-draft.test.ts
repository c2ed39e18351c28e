import { createDraft, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { trainedTarget } from '../loop/trained-target.fixture'
import { abortedAt, distilled } from './stopped-run.fixture'

let target: PretrainedModel
beforeAll(async () => {
  target = await trainedTarget()
})

const vocabulary = [32, 97, 98, 99, 100, 101, 102, 257]
const trimmed = (tieWordEmbeddings: boolean, ids = vocabulary) =>
  createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, tieWordEmbeddings, vocabulary: ids, seed: 7 })

describe.each([
  ['of its own', false],
  ['that is the embedding', true],
])('a draft that covers some ids, with a head %s', (_, tied) => {
  it('learns, and ends in the same bytes where it was stopped and went on', async () => {
    const straight = memoryDirectory()
    const expected = await distilled(straight, { draft: trimmed(tied) })
    const losses = expected.history.map(({ acceptance_rate }) => acceptance_rate!)
    expect(losses.at(-1)!).toBeGreaterThan(losses[0]! + 0.05)
    const stopped = memoryDirectory()
    await abortedAt(stopped, 4, { draft: trimmed(tied) })
    expect(await distilled(stopped, { draft: trimmed(tied), resume: true })).toEqual(expected)
    for (const file of await straight.list('checkpoint-12'))
      expect(await stopped.read(`checkpoint-12/${file}`), file).toEqual(await straight.read(`checkpoint-12/${file}`))
    expect(await straight.list('checkpoint-12')).toContain('draft_vocabulary.json')
  })

  it('does not go on with another list', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3, { draft: trimmed(tied) })
    await expect(
      distilled(run, {
        draft: trimmed(
          tied,
          [96, ...vocabulary.slice(1)].sort((a, b) => a - b),
        ),
        resume: true,
      }),
    ).rejects.toThrow(/another draft: coveredIds was "8 ids, \w+", and is "8 ids, \w+"/)
    const whole = createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, tieWordEmbeddings: tied, seed: 7 })
    await expect(distilled(run, { draft: whole, resume: true })).rejects.toThrow(/another draft: coveredIds was "8 ids/)
  })
})
