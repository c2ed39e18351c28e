import { readFile } from 'node:fs/promises'
import { AnswerTable, answerLookup, type Drafter, firstOf, promptLookup } from '@outrider/speculative'
import { testData } from '@outrider/test-data'
import { rounded } from '../compare'
import { linesOf, type Recorded, simulated } from '../recorded-answers'
import type { Row, Suite } from '../suite'

/**
 * What lookups come to on answers that were written down, without a model: the greedy answer is known, so it is known what of a
 * draft is accepted. A table of answers counts those without a prompt; where there are none, those of the other categories. Of a
 * block that goes beyond the end of an answer nothing is counted. Speed-ups are by declared costs of passes, not by a clock.
 */
export const lookupsSuite: Suite = {
  name: 'lookups',
  summary: 'τ of drafts that are looked up, on written-down greedy answers (--answers FILE, or those of stories260K)',
  async run({ device, note, answers }) {
    const recorded = await (answers ? linesOf<Recorded>(answers) : ofStories())
    const largest = recorded.reduce((most, { ids = [], answer }) => Math.max(most, ...ids, ...answer), 0)
    const vocabulary = { vocabularySize: largest + 1, fingerprint: 'as recorded' }
    const tables = new Map<string, AnswerTable>()
    const tableFor = (category: string) => {
      const table = tables.get(category) ?? new AnswerTable(vocabulary)
      const counted = recorded.some(({ ids }) => !ids)
        ? recorded.filter(({ ids }) => !ids)
        : recorded.filter((other) => other.category !== category)
      if (table.size === 0) for (const { answer } of counted) table.add(answer)
      tables.set(category, table)
      return table
    }
    const drafters: Record<string, (category: string) => Drafter> = {
      'prompt, n ≥ 2': () => promptLookup({ minNgram: 2 }),
      prompt: () => promptLookup(),
      answers: (category) => answerLookup(tableFor(category)),
      'prompt, else answers': (category) => firstOf(promptLookup(), answerLookup(tableFor(category))),
    }
    const rows: Row[] = []
    for (const [drafts, drafter] of Object.entries(drafters))
      for (const draftLength of [3, 5, 15, 'auto'] as const) {
        note(`${drafts}, γ ${draftLength}`)
        const sums = simulated(recorded, drafter, { draftLength, device, vocabularySize: largest + 1 })
        const { tokens, blocks, drafted, seconds } = sums.get('all')!
        rows.push({
          drafts,
          γ: draftLength,
          τ: rounded(tokens / blocks),
          drafted: rounded(drafted / blocks),
          speed_up: rounded(tokens / seconds),
          ...Object.fromEntries(
            [...sums]
              .filter(([name]) => name !== 'all')
              .map(([name, sum]) => [
                name,
                `${rounded(sum.tokens / sum.blocks)} ×${rounded(sum.tokens / sum.seconds)}`,
              ]),
          ),
        })
      }
    return rows
  },
}

async function ofStories(): Promise<Recorded[]> {
  const { cases } = JSON.parse(await readFile(`${testData('stories260K')}/reference.json`, 'utf8'))
  return cases.map(({ ids, greedy }: { ids: number[]; greedy: number[] }, i: number) => ({
    category: `story ${i}`,
    ids,
    answer: greedy,
  }))
}
