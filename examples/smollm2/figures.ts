import { plainOf } from './settings'

/** One answer: a line of the log. */
export interface Answered {
  setting: string
  prompt: number
  category: string
  ids: number[]
  seconds: number
  /** Of the target after the prompt; 0 for a plain answer. */
  passes: number
  drafted: number
  byModel: number
  accepted: number
  /** Drafted positions that were reached, and Σₓ min(p, q) summed over them. */
  reached: number
  overlap: number
}

/** Parameters of each draft over the target's, by the draft's name. */
export type ParameterRatios = Readonly<Record<string, number>>

/** Tables in Markdown: each setting over all prompts, its τ and its speed-up by category. */
export function tablesOf(answered: readonly Answered[], ratios: ParameterRatios): string {
  const settings = [...new Set(answered.map(({ setting }) => setting))]
  const categories = [...new Set(answered.map(({ category }) => category))]
  const of = (setting: string, category?: string) => figuresOf(answered, { setting, category, ratios })
  const whole = settings.map((setting) => {
    const { prompts, tau, alpha, mbsu, rate, speedUp, same } = of(setting)
    const ids = setting.endsWith('greedy') ? same : ''
    return [setting, prompts, fixed(tau), fixed(alpha), fixed(mbsu), fixed(rate), `${fixed(speedUp)} ×`, ids]
  })
  const byCategory = settings
    .filter((setting) => setting !== plainOf(setting))
    .map((setting) => [
      setting,
      ...categories.map((category) => {
        const { tau, speedUp } = of(setting, category)
        return `${fixed(tau)}, ${fixed(speedUp)} ×`
      }),
    ])
  return [
    table(['setting', 'prompts', 'τ', 'α', 'MBSU', 'tokens/s', 'speed-up', 'ids of plain decoding'], whole),
    table(['τ, speed-up', ...categories], byCategory),
  ].join('\n\n')
}

/** Of the prompts of a category, or all, that were answered plainly, too. */
export function figuresOf(
  answered: readonly Answered[],
  { setting, category, ratios }: { setting: string; category?: string | undefined; ratios: ParameterRatios },
) {
  const answers = (name: string) =>
    answered.filter((line) => line.setting === name && (!category || line.category === category))
  const plain = new Map(answers(plainOf(setting)).map((line) => [line.prompt, line]))
  const own = answers(setting).filter(({ prompt }) => plain.has(prompt))
  const beside = own.map(({ prompt }) => plain.get(prompt)!)
  const tokens = sum(own, delivered)
  // A plain answer takes a pass for each token.
  const passes = sum(own, (line) => line.passes || delivered(line))
  const c = ratios[draftOf(setting)] ?? 0
  return {
    prompts: own.length,
    tau: tokens / passes,
    alpha: sum(own, ({ overlap }) => overlap) / sum(own, ({ reached }) => reached),
    /** What is looked up takes no step of a model. */
    mbsu: tokens / (passes + c * sum(own, ({ byModel }) => byModel)),
    rate: rateOf(own),
    speedUp: rateOf(own) / rateOf(beside),
    same: own.filter(({ ids }, i) => `${ids}` === `${beside[i]!.ids}`).length,
  }
}

/** The first token comes of the prompt. */
const delivered = ({ ids }: Answered) => ids.length - 1

const rateOf = (lines: readonly Answered[]) => sum(lines, delivered) / sum(lines, ({ seconds }) => seconds)

const draftOf = (setting: string) => setting.split('draft ')[1]?.split(' · ')[0] ?? ''

const sum = (lines: readonly Answered[], what: (line: Answered) => number) =>
  lines.reduce((total, line) => total + what(line), 0)

const fixed = (x: number) => (Number.isFinite(x) ? x.toFixed(2) : '–')

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, ['---', ...head.slice(1).map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
