import type { SpeculationMetrics } from '@outrider/speculative'
import type { CausalLM, PretrainedModel, Prompt, SamplingOptions } from '@outrider/transformer'
import type { Answering } from './answering'
import { type Contender, metricsFor } from './contender'
import { allTasks, type EvaluationFigures, figuresOf } from './figures'
import { drafted, plainly } from './one-by-one'
import { Paces } from './pace'
import { draftedTogether, plainlyTogether } from './side-by-side'

/** A prompt to measure on, and the kind of task it stands for. */
export interface MeasuredPrompt {
  prompt: Prompt
  /** The prompt as people read it. */
  shown: string
  category: string
}

export interface MeasureOptions {
  target: PretrainedModel<CausalLM>
  prompts: readonly MeasuredPrompt[]
  /** The seed of a prompt is this one's plus the prompt's number. */
  sampling: SamplingOptions
  maxTokens: number
  /**
   * Prompts of one category that are answered at once, plainly and with each contender: then rates are those of all of them
   * together, and what else is measured is the same. Default 1.
   */
  batchSize?: number | undefined
  signal?: AbortSignal | undefined
  /** Called after each answer. */
  onAnswer?: ((answer: Answered) => void) | undefined
}

/** An answer that was measured. */
export interface Answered {
  /** Tokens per second after its first token; of several at once, until it ended, of all of them together. */
  rate: number
  /** 'plain', or the draft length. */
  how: string
  /** Counts so far of the answers with this draft length to prompts of its category. */
  metrics?: SpeculationMetrics
}

/**
 * How fast the target answers alone and with each contender, and how the drafts fare. A prompt, or as many as are answered at once,
 * is answered by all of them in turn before the next one is: a machine's speed drifts, and what slows it must slow them all.
 *
 * @returns of each contender, its figures by category, in the order in which prompts have them, and under `allTasks`
 * @throws OutriderError what decoding throws; INVALID_ARGUMENT for a `batchSize` that is none
 */
export async function measureInTurns(
  { target, prompts, sampling, maxTokens, batchSize = 1, signal, onAnswer }: MeasureOptions,
  contenders: readonly Contender[],
): Promise<Map<string, EvaluationFigures>[]> {
  const isTogether = batchSize !== 1
  const plain = { paces: new Paces(), answer: isTogether ? plainlyTogether(target, batchSize) : plainly(target) }
  const running = contenders.map((contender) => ({
    contender,
    paces: new Paces(),
    counts: new Map<string, { shown: SpeculationMetrics; counted: SpeculationMetrics }>(),
    answer: isTogether ? draftedTogether(target, contender, batchSize) : drafted(target, contender),
  }))
  const groups = groupsOf(prompts, batchSize)
  if (isTogether) await rehearsed([plain, ...running], { target, groups, sampling, signal })
  for (const { category, group } of groups) {
    const asked = group.map(({ prompt, number }) => ({
      ...{ ...sampling, seed: (sampling.seed ?? 0) + number },
      ...{ prompt, maxTokens, signal },
    }))
    const alone = await plain.answer(category, asked, (rate) => onAnswer?.({ rate, how: 'plain' }))
    plain.paces.add([category, allTasks], alone.pace)
    for (const { contender, paces, counts, answer } of running) {
      const fresh = () => metricsFor(contender, target)
      const { shown, counted } = counts.get(category) ?? { shown: fresh(), counted: fresh() }
      const { pace, metrics, costs } = await answer(category, asked, (rate, ended) => {
        shown.add(ended!)
        onAnswer?.({ rate, how: `γ ${contender.draftLength}`, metrics: shown })
      })
      paces.add([category, allTasks], pace)
      // In the order of the prompts, whichever ended first: sums are of the same bits then.
      for (const one of metrics) counted.add(one)
      counts.set(category, { shown, counted: counted.withCosts(costs) })
    }
  }
  return running.map(({ contender, paces, counts }) => {
    const whole = metricsFor(contender, target)
    for (const { counted } of counts.values()) whole.add(counted)
    const byCategory = [...counts].map(([category, { counted }]) => [category, counted] as const)
    return new Map(
      [...byCategory, [allTasks, whole] as const].map(([category, metrics]) => [
        category,
        figuresOf(metrics, plain.paces.get(category), paces.get(category), { isTogether }),
      ]),
    )
  })
}

/**
 * Compiles what a batch needs, by short answers that nobody counts: of unequal lengths, so that the batch shrinks from its whole size
 * to one sequence.
 */
async function rehearsed(
  ways: readonly { answer: Answering }[],
  {
    target,
    groups,
    sampling,
    signal,
  }: { groups: readonly Group[] } & Pick<MeasureOptions, 'target' | 'sampling' | 'signal'>,
): Promise<void> {
  const largest = groups.reduce<Group | undefined>((a, b) => (a && a.group.length >= b.group.length ? a : b), undefined)
  if (!largest) return
  // The last answers are decoded long enough for a pass over a draft.
  const asked = largest.group.map(({ prompt }, i) => ({ ...sampling, prompt, maxTokens: 4 + 2 * i, signal }))
  for (const { answer } of ways) await answer(largest.category, asked, () => {})
  await target.model.device.idle()
}

interface Group {
  category: string
  group: Numbered[]
}

type Numbered = MeasuredPrompt & { number: number }

/** Prompts with their numbers, those of a category so many at a time, in their order. */
function groupsOf(prompts: readonly MeasuredPrompt[], size: number): Group[] {
  const groups: Group[] = []
  const open = new Map<string, Numbered[]>()
  for (const [number, prompt] of prompts.entries()) {
    const { category } = prompt
    let group = open.get(category)
    if (!group || group.length >= size) {
      group = []
      open.set(category, group)
      groups.push({ category, group })
    }
    group.push({ ...prompt, number })
  }
  return groups
}
