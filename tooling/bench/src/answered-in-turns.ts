import { SpeculationMetrics, SpeculativeDecoder, type SpeculativeDecoderOptions } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { type ChatMessage, type Generation, generate, type PretrainedModel } from '@outrider/transformer'
import { median, rounded } from './compare'
import type { Row } from './suite'

/** Seconds that a dispatch takes a GPU beside what it computes; one of which the device says whether it runs takes two. */
export const latencies = [0, 30e-6, 60e-6]

/** A way to answer. */
export interface Way {
  name: string
  newMetrics?: () => SpeculationMetrics
  answer(
    prompt: ChatMessage[],
    options: { temperature: number; seed: number; maxTokens: number },
    metrics: SpeculationMetrics | undefined,
  ): Generation<unknown>
}

export const plainWay = (target: PretrainedModel): Way => ({
  name: 'plain',
  answer: (prompt, options) => generate(target, prompt, options),
})

/** A decoder whose costs are measured. */
export async function speculativeWay(
  name: string,
  options: SpeculativeDecoderOptions,
  temperature: number,
): Promise<Way> {
  const decoder = new SpeculativeDecoder(options)
  const costs = await decoder.measureCosts({ temperature })
  const { parameterRatio } = decoder.metrics
  return {
    name,
    newMetrics: () => new SpeculationMetrics({ parameterRatio, costs }),
    // What blocks take may be learned at any temperature.
    answer: (prompt, options, metrics) => decoder.generate(prompt, { ...options, metrics, reproducible: false }),
  }
}

export interface Figures {
  name: string
  /** Of a token after the first: medians over the rounds, each over all prompts. */
  seconds: number
  dispatches: number
  blocks: number
  metrics: SpeculationMetrics | undefined
}

/** Every way answers every prompt, round by round. A first round, which compiles and lets `auto` learn, is left out. */
export async function answeredInTurns(
  device: Device,
  ways: readonly Way[],
  prompts: readonly ChatMessage[][],
  {
    temperature,
    maxTokens,
    rounds,
    now,
  }: { temperature: number; maxTokens: number; rounds: number; now: () => number },
): Promise<Figures[]> {
  const rates = ways.map(() => [] as Rate[])
  let metrics: (SpeculationMetrics | undefined)[] = []
  for (let round = 0; round <= rounds; round++) {
    if (round <= 1) metrics = ways.map(({ newMetrics }) => newMetrics?.())
    const sums = ways.map((): Rate => ({ tokens: 0, seconds: 0, dispatches: 0, blocks: 0 }))
    for (const [i, prompt] of prompts.entries())
      for (const [k, way] of ways.entries()) {
        const answer = way.answer(prompt, { temperature, seed: i, maxTokens }, metrics[k])
        const rate = await rateOf(device, answer, now)
        for (const key of Object.keys(rate) as (keyof Rate)[]) sums[k]![key] += rate[key]
      }
    if (round > 0) for (const [k, sum] of sums.entries()) rates[k]!.push(sum)
  }
  return ways.map(({ name }, k) => {
    const perToken = (what: keyof Rate) => median(rates[k]!.map((rate) => rate[what] / rate.tokens))
    const [seconds, dispatches, blocks] = [perToken('seconds'), perToken('dispatches'), perToken('blocks')]
    return { name, seconds, dispatches, blocks, metrics: metrics[k] }
  })
}

interface Rate {
  tokens: number
  seconds: number
  dispatches: number
  blocks: number
}

/** Of what comes after the first token. */
async function rateOf(device: Device, answer: Generation<unknown>, now: () => number): Promise<Rate> {
  const at = () => {
    const { dispatches, indirectDispatches } = device.counters
    return { seconds: now(), dispatches: dispatches + indirectDispatches }
  }
  let first: ReturnType<typeof at> | undefined
  let last = at()
  let blocks = -1
  for await (const _ of answer) {
    last = at()
    first ??= last
    blocks++
  }
  const { tokens } = await answer.result
  return {
    tokens: tokens.length - 1,
    seconds: last.seconds - first!.seconds,
    dispatches: last.dispatches - first!.dispatches,
    blocks,
  }
}

/** A line of a table: the way's figures, and its speed-up over plain decoding. */
export function rowOf(where: Record<string, string | number>, figures: Figures, plain: Figures): Row {
  const { name, seconds, dispatches, blocks, metrics } = figures
  const speedUp = (latency: number) => (plain.seconds + plain.dispatches * latency) / (seconds + dispatches * latency)
  const expected = metrics?.expectedSpeedUp
  return {
    ...where,
    drafts: name,
    τ: rounded(1 / blocks),
    drafted: metrics && rounded(metrics.meanDraftLength),
    ended_early: metrics && rounded(metrics.endedEarlyRate),
    may_stop: metrics && rounded(metrics.stopChosenRate),
    stop_saving: metrics?.stopSavingRate == null ? undefined : rounded(metrics.stopSavingRate),
    // Draft steps of a block over a plain step.
    c_of_a_block: metrics && expected ? rounded(Math.max(0, metrics.blockEfficiency / expected - 1)) : undefined,
    dispatches_a_block: rounded(dispatches / blocks),
    ms_a_token: rounded(1000 * seconds),
    ...Object.fromEntries(
      latencies.map((latency) => [
        `speed_up${latency ? `_${Math.round(latency * 1e6)}µs` : ''}`,
        rounded(speedUp(latency)),
      ]),
    ),
    share: expected ? rounded(speedUp(0) / expected) : undefined,
  }
}
