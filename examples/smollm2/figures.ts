import type { SpeculationMetrics } from '@outrider/speculative'
import { ownPlainOf, plainOf } from './settings'

/** One answer: a line of the log. */
export interface Answered {
  setting: string
  prompt: number
  category: string
  ids: number[]
  /** From the first token to the last; of other engines they are not measured. */
  seconds?: number | undefined
  /** Of the target after the prompt; 0 for a plain answer. */
  passes: number
  /** Ids that these passes gave: all but the first, which comes of the prompt, unless the prompt's pass verified a draft, too. */
  tokens?: number
  drafted: number
  byModel: number
  accepted: number
  /** Drafted positions that were reached, and Σₓ min(p, q) summed over them. */
  reached: number
  overlap: number
  /** Parameters of the draft over the target's. */
  parameterRatio?: number | undefined
}

/** What a line says of an answer's passes and drafts. */
export function countsOf({ figures }: SpeculationMetrics) {
  const reached = figures.numReachedTokensPerPos.reduce((sum, count) => sum + count, 0)
  return {
    passes: figures.numTargetPasses,
    drafted: figures.numDraftTokens,
    byModel: figures.drafters.find(({ drafter }) => drafter === 'model')?.numDraftTokens ?? 0,
    accepted: figures.numAcceptedTokens,
    reached,
    overlap: figures.acceptanceRate * reached,
  }
}

/**
 * Tables in Markdown: each setting over all prompts, its τ and its speed-up by category. Where another engine answered, too, how
 * many of a setting's greedy answers have the ids of plain decoding here.
 */
export function tablesOf(answered: readonly Answered[]): string {
  const settings = [...new Set(answered.map(({ setting }) => setting))]
  const categories = [...new Set(answered.map(({ category }) => category))]
  const of = (setting: string, category?: string) => figuresOf(answered, { setting, category })
  const hasOthers = settings.some((setting) => plainOf(setting) !== ownPlainOf(setting))
  const whole = settings.map((setting) => {
    const { prompts, tau, alpha, mbsu, rate, speedUp, same, asHere } = of(setting)
    const ids = setting.endsWith('greedy') ? [same, ...(hasOthers ? [asHere] : [])] : hasOthers ? ['', ''] : ['']
    return [setting, prompts, fixed(tau), fixed(alpha), fixed(mbsu), fixed(rate), times(speedUp), ...ids]
  })
  const byCategory = settings
    .filter((setting) => setting !== ownPlainOf(setting))
    .map((setting) => [
      setting,
      ...categories.map((category) => {
        const { tau, speedUp } = of(setting, category)
        return `${fixed(tau)}, ${times(speedUp)}`
      }),
    ])
  const ids = ['ids of plain decoding', ...(hasOthers ? ['and of ours'] : [])]
  return [
    table(['setting', 'prompts', 'τ', 'α', 'MBSU', 'tokens/s', 'speed-up', ...ids], whole),
    table(['τ, speed-up', ...categories], byCategory),
  ].join('\n\n')
}

/** Of the prompts of a category, or all, that were answered plainly, too. */
export function figuresOf(
  answered: readonly Answered[],
  { setting, category }: { setting: string; category?: string | undefined },
) {
  const answers = (name: string) =>
    answered.filter((line) => line.setting === name && (!category || line.category === category))
  const plain = new Map(answers(plainOf(setting)).map((line) => [line.prompt, line]))
  const own = answers(setting).filter(({ prompt }) => plain.has(prompt))
  const beside = own.map(({ prompt }) => plain.get(prompt)!)
  const engine = new Map(answers(ownPlainOf(setting)).map((line) => [line.prompt, line]))
  const tokens = sum(own, given)
  // A plain answer takes a pass for each token.
  const passes = sum(own, (line) => line.passes || given(line))
  const draft = draftOf(setting)
  const c = answered.find((line) => line.parameterRatio && draftOf(line.setting) === draft)?.parameterRatio ?? 0
  return {
    prompts: own.length,
    tau: tokens / passes,
    alpha: sum(own, ({ overlap }) => overlap) / sum(own, ({ reached }) => reached),
    /** What is looked up takes no step of a model. */
    mbsu: tokens / (passes + c * sum(own, ({ byModel }) => byModel)),
    rate: rateOf(own),
    speedUp: rateOf(own) / rateOf(beside),
    /** Answers with the ids of plain decoding in the same engine, and here. */
    same: own.filter(({ ids, prompt }) => `${ids}` === `${engine.get(prompt)?.ids}`).length,
    asHere: own.filter(({ ids }, i) => `${ids}` === `${beside[i]!.ids}`).length,
  }
}

const given = ({ tokens, ids }: Answered) => tokens ?? ids.length - 1

const rateOf = (lines: readonly Answered[]) =>
  sum(lines, ({ ids }) => ids.length - 1) / sum(lines, ({ seconds = Number.NaN }) => seconds)

const draftOf = (setting: string) => setting.split('draft ')[1]?.split(' · ')[0] ?? ''

const sum = (lines: readonly Answered[], what: (line: Answered) => number) =>
  lines.reduce((total, line) => total + what(line), 0)

const fixed = (x: number) => (Number.isFinite(x) ? x.toFixed(2) : '–')
const times = (x: number) => (Number.isFinite(x) ? `${x.toFixed(2)} ×` : '–')

/** In Markdown: names first, figures to the right. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, ['---', ...head.slice(1).map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
