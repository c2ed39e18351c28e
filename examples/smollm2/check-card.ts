import { SpeculationMetrics, SpeculativeDecoder } from '@outrider/speculative'
import { type Generation, generate, type PretrainedModel } from '@outrider/transformer'
import { type Asked, inTurns } from './prompts'

/** What a card says that can be checked: τ of greedy answers at γ 3 with block verification. */
export interface CheckedFigures {
  /** The ids of the prompts. */
  prompts: number[]
  blockEfficiency: number
}

/** One prompt: the tokens after the first, the passes of the target that gave them, and whether plain decoding has the same ids. */
export interface CheckedAnswer {
  prompt: number
  category: string
  tokens: number
  passes: number
  isSame: boolean
}

export const draftLength = 3
/** Other adapters round otherwise, which can turn an answer's tie and all that follows. */
const tolerance = 0.03

/** Answers of the prompts as each is there, plain and drafted. */
export async function* checkedAnswers(
  { target, draft }: { target: PretrainedModel; draft: PretrainedModel },
  prompts: readonly Asked[],
  { maxTokens }: { maxTokens: number },
): AsyncGenerator<CheckedAnswer> {
  const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, verification: 'block' })
  for (const { prompt, category, asked } of prompts) {
    const options = { temperature: 0, maxTokens }
    const metrics = new SpeculationMetrics({ parameterRatio: 0 })
    const [plain, drafted] = [
      await idsOf(generate(target, asked, options)),
      await idsOf(decoder.generate(asked, { ...options, metrics })),
    ]
    const { numTargetPasses: passes, numDeliveredTokens: tokens } = metrics.figures
    yield { prompt, category, tokens, passes, isSame: `${plain}` === `${drafted}` }
  }
}

const idsOf = async (answer: Generation<unknown>) => {
  for await (const _ of answer);
  return (await answer.result).tokens
}

/** τ over all answers, which weighs long ones more. */
export function blockEfficiencyOf(answers: readonly CheckedAnswer[]): number {
  const sum = (what: 'tokens' | 'passes') => answers.reduce((total, answer) => total + answer[what], 0)
  return sum('tokens') / sum('passes')
}

/** What is wrong with a card, as a sentence; undefined where it holds. */
export function faultOf(answers: readonly CheckedAnswer[], card: CheckedFigures): string | undefined {
  const different = answers.filter(({ isSame }) => !isSame).map(({ prompt }) => prompt)
  if (different.length > 0)
    return `Greedy answers must have the ids of plain decoding: those to ${different.join(', ')} have others.`
  const missing = card.prompts.filter((id) => !answers.some(({ prompt }) => prompt === id))
  if (missing.length > 0) return `The card names prompts that were not answered: ${missing.join(', ')}.`
  const found = blockEfficiencyOf(answers)
  if (Math.abs(found - card.blockEfficiency) <= tolerance) return undefined
  return `The card says τ ${card.blockEfficiency.toFixed(2)}, and here it is ${found.toFixed(2)}: more than ${tolerance} apart.`
}

/** The prompts that a card names, in its order; without a card, some of each category. */
export function promptsToCheck(prompts: readonly Asked[], card: CheckedFigures | undefined, count = 20): Asked[] {
  if (!card) return inTurns(prompts, prompts.length).slice(0, count)
  return card.prompts.map((id) => {
    const found = prompts.find(({ prompt }) => prompt === id)
    if (!found) throw new Error(`The card names a prompt that prompts.jsonl lacks: ${id}.`)
    return found
  })
}
