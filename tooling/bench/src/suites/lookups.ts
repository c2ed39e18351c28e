import { readFile } from 'node:fs/promises'
import {
  AnswerTable,
  answerLookup,
  autoDraftLength,
  type Drafter,
  type DraftLengthPolicy,
  declaredCosts,
  firstOf,
  fixedDraftLength,
  promptLookup,
  targetPassSeconds,
} from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { resolveSampling } from '@outrider/transformer'
import { rounded } from '../compare'
import type { Row, Suite } from '../suite'

/** A greedy answer that was written down. */
interface Recorded {
  category: string
  /** The prompt's ids; an answer without them is counted in the tables, and not measured. */
  ids?: number[]
  answer: number[]
}

/**
 * What lookups come to on answers that were written down, without a model: the greedy answer is known, so it is known what of a
 * draft is accepted. A table of answers counts those without a prompt; where there are none, those of the other categories. Of a
 * block that goes beyond the end of an answer nothing is counted. Speed-ups are by declared costs of passes, not by a clock.
 */
export const lookupsSuite: Suite = {
  name: 'lookups',
  summary: 'τ of drafts that are looked up, on written-down greedy answers (--answers FILE, or those of stories260K)',
  async run({ device, note, answers }) {
    const recorded = await (answers ? linesOf(answers) : ofStories())
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

async function linesOf(file: string): Promise<Recorded[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => JSON.parse(line))
}

async function ofStories(): Promise<Recorded[]> {
  const { cases } = JSON.parse(await readFile(`${testData('stories260K')}/reference.json`, 'utf8'))
  return cases.map(({ ids, greedy }: { ids: number[]; greedy: number[] }, i: number) => ({
    category: `story ${i}`,
    ids,
    answer: greedy,
  }))
}

interface Sums {
  tokens: number
  blocks: number
  drafted: number
  /** In plain passes. */
  seconds: number
}

/** Sums over the blocks of all answers, by category and under 'all'. */
function simulated(
  recorded: readonly Recorded[],
  drafterFor: (category: string) => Drafter,
  { draftLength, ...at }: { draftLength: number | 'auto'; device: Device; vocabularySize: number },
): Map<string, Sums> {
  const costs = declaredCosts({ parameterRatio: 0, isSoftware: true })
  const sums = new Map<string, Sums>()
  const sampling = resolveSampling()
  for (const { category, ids, answer } of recorded) {
    if (!ids) continue
    // Of an answer of its own, as an answer that repeats itself has it.
    const policy: DraftLengthPolicy =
      draftLength === 'auto' ? autoDraftLength({ costs, learnsTimes: false }) : fixedDraftLength(draftLength)
    const session = drafterFor(category).open({ ...at, capacity: ids.length + answer.length })
    for (let said = 1; said < answer.length; ) {
      const tokens = [...ids, ...answer.slice(0, said)]
      const choice = policy.next(session.offers!(tokens, 15))
      const draft = choice && session.draft({ tokens, ...choice, sampling, offset: 0 })
      const drafted = draft && 'ids' in draft ? draft.ids : []
      let accepted = 0
      while (accepted < drafted.length && drafted[accepted] === answer[said + accepted]) accepted++
      const seconds = targetPassSeconds(costs, drafted.length + 1)
      policy.observe({ drafted: drafted.length, accepted, offer: choice?.offer, seconds })
      said += accepted + 1
      if (said > answer.length) break
      for (const name of ['all', category]) {
        const sum = sums.get(name) ?? { tokens: 0, blocks: 0, drafted: 0, seconds: 0 }
        sum.tokens += accepted + 1
        sum.blocks++
        sum.drafted += drafted.length
        sum.seconds += seconds
        sums.set(name, sum)
      }
    }
    session.dispose()
  }
  return sums
}
