import { allTasks, type EvaluationRow } from '@outrider/evaluation'
import { expect, test } from 'vitest'
import { resultTables } from './result-table'

const row = (draft: string, draftLength: number, tokensPerSecond: number, task: string = allTasks) =>
  ({
    ...{ draft, draftLength, tokensPerSecond, task, temperature: 0, plainTokensPerSecond: 100 },
    ...{ blockEfficiency: 2, acceptanceRate: 0.5, mbsu: 1.5, speedUp: tokensPerSecond / 100 },
  }) as EvaluationRow

test('a table of the demo is headed by the draft that was fastest over all tasks', () => {
  const rows = [
    ...[row('kld', 3, 130), row('parallel', 3, 150), row('kld', 3, 190, 'translate')],
    ...[row('kld', 5, 140), row('parallel', 5, 120)],
  ]
  const headings = resultTables(rows, (text) => `# ${text}`)
    .split('\n')
    .filter((line) => line.startsWith('#'))
  expect(headings).toEqual([
    '# greedy, γ = 3; plain decoding: 100 tokens/s; fastest: parallel',
    '# greedy, γ = 5; plain decoding: 100 tokens/s; fastest: kld',
  ])
})
