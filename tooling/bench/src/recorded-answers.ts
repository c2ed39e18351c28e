import { readFile } from 'node:fs/promises'
import {
  autoDraftLength,
  type Drafter,
  type DraftLengthPolicy,
  declaredCosts,
  fixedDraftLength,
  targetPassSeconds,
} from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { resolveSampling } from '@outrider/transformer'

/** A greedy answer that was written down. */
export interface Recorded {
  category: string
  /** The prompt's ids; an answer without them is counted in the tables, and not measured. */
  ids?: number[]
  answer: number[]
}

/** The values of a file of JSON lines. */
export async function linesOf<T>(file: string): Promise<T[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => JSON.parse(line))
}

export interface Sums {
  tokens: number
  blocks: number
  drafted: number
  /** In plain passes. */
  seconds: number
}

/** Sums over the blocks of all answers, by category and under 'all'. */
export function simulated(
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
