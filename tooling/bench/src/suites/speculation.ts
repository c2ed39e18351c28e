import { frequentIds } from '@outrider/dataset'
import {
  AnswerTable,
  answerLookup,
  type Drafter,
  firstOf,
  modelDrafter,
  promptLookup,
  SpeculationMetrics,
  SpeculativeDecoder,
} from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { type ChatMessage, type Generation, generate, type PretrainedModel } from '@outrider/transformer'
import { exchanges, type Task } from 'outrider/tiny-chat'
import { median, rounded } from '../compare'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'

const rounds = 3
const promptsPerText = 3
const maxTokens = 40
const answersInTable = 60
const coveredIds = 192
const stop = { confidence: 0.4 }
const cases = [
  { temperature: 0, draftLength: 5 },
  { temperature: 0, draftLength: 'auto' },
  { temperature: 0.7, draftLength: 'auto' },
] as const
/** Seconds that a dispatch takes a GPU beside what it computes. */
const latencies = [0, 30e-6, 60e-6]

/**
 * Every technique that makes drafts cheap, and what they are together, against plain decoding of one trained target, in turns:
 * on free text, on summaries of what the prompt says, and on questions that are asked again, whose answers repeat themselves.
 * Speed-ups with latencies are computed from the same runs: measured seconds and so much for every dispatch.
 */
export const speculationSuite: Suite = {
  name: 'speculation',
  summary:
    'drafts of a model, looked up, trimmed, stopped, together, in turns: τ, dispatches, speed-up, share of τ / (1 + cγ)',
  async run({ device, note, now }) {
    note('loading the pair and letting the target answer')
    const target = await tinyTarget(device)
    const table = new AnswerTable({ vocabularySize: target.config.vocabularySize, fingerprint: 'this run' })
    const counts = new Float64Array(target.config.vocabularySize)
    for (const { prompt } of exchanges({ seed: 301, count: answersInTable })) {
      const { tokens } = await generate(target, [{ role: 'user', content: prompt }], { temperature: 0, maxTokens })
        .result
      table.add(tokens)
      for (const id of tokens) counts[id]!++
    }
    const draft = await tinyDraft(device)
    const trimmed = await tinyDraft(device, frequentIds(counts, coveredIds, target))
    const drafters = draftersOf({ draft, trimmed, table })
    const texts = await textsOf(target)
    const rows: Row[] = []
    for (const { temperature, draftLength } of cases) {
      const ways: Way[] = [{ name: 'plain', answer: (prompt, options) => generate(target, prompt, options) }]
      for (const [name, drafter] of Object.entries(drafters)) {
        note(`${name}: what steps cost at temperature ${temperature}`)
        const decoder = new SpeculativeDecoder({ target, drafter, draftLength, now })
        const costs = await decoder.measureCosts({ temperature })
        const parameterRatio = decoder.metrics.parameterRatio
        ways.push({
          name,
          newMetrics: () => new SpeculationMetrics({ parameterRatio, costs }),
          // What blocks take may be learned at any temperature.
          answer: (prompt, options, metrics) => decoder.generate(prompt, { ...options, metrics, reproducible: false }),
        })
      }
      for (const [text, prompts] of Object.entries(texts)) {
        note(`${text}, γ ${draftLength}, temperature ${temperature}`)
        const measured = await inTurns(device, ways, prompts, { temperature, now })
        rows.push(...measured.map((figures) => rowOf({ temperature, γ: draftLength, text }, figures, measured[0]!)))
      }
    }
    for (const model of [draft, trimmed, target]) model.dispose()
    return rows
  },
}

function draftersOf({
  draft,
  trimmed,
  table,
}: {
  draft: PretrainedModel
  trimmed: PretrainedModel
  table: AnswerTable
}): Record<string, Drafter> {
  const model = modelDrafter(draft.model)
  const best = modelDrafter(trimmed.model, { stop })
  const lookup = promptLookup()
  // Before a model with a fixed γ, what one token alone has matched says too little.
  const longer = promptLookup({ minNgram: 2 })
  return {
    model,
    trimmed: modelDrafter(trimmed.model),
    stopped: modelDrafter(draft.model, { stop }),
    'trimmed, stopped': best,
    lookup,
    'lookup, table': firstOf(lookup, answerLookup(table)),
    'lookup, model': firstOf(longer, model),
    'lookup, trimmed, stopped': firstOf(longer, best),
  }
}

/** Prompts by kind of text. */
async function textsOf(target: PretrainedModel): Promise<Record<string, ChatMessage[][]>> {
  const asked = (task: Task): ChatMessage[][] =>
    exchanges({ seed: 302, count: promptsPerText, tasks: [task] }).map(({ prompt }) => [
      { role: 'user', content: prompt },
    ])
  const again = []
  for (const messages of asked('translate')) {
    const { text } = await generate(target, messages, { temperature: 0, maxTokens }).result
    again.push([...messages, { role: 'assistant' as const, content: text }, ...messages])
  }
  return { free: asked('open-ended'), summaries: asked('summarise'), 'asked again': again }
}

interface Way {
  name: string
  newMetrics?: () => SpeculationMetrics
  answer(
    prompt: ChatMessage[],
    options: { temperature: number; seed: number; maxTokens: number },
    metrics: SpeculationMetrics | undefined,
  ): Generation<unknown>
}

interface Figures {
  name: string
  /** Of a token after the first: medians over the rounds, each over all prompts. */
  seconds: number
  dispatches: number
  blocks: number
  metrics: SpeculationMetrics | undefined
}

/** Every way answers every prompt, round by round. A first round, which compiles and lets `auto` learn, is left out. */
async function inTurns(
  device: Device,
  ways: readonly Way[],
  prompts: readonly ChatMessage[][],
  { temperature, now }: { temperature: number; now: () => number },
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
  const at = () => ({ seconds: now(), dispatches: device.counters.dispatches })
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

function rowOf(where: Record<string, string | number>, figures: Figures, plain: Figures): Row {
  const { name, seconds, dispatches, blocks, metrics } = figures
  const speedUp = (latency: number) => (plain.seconds + plain.dispatches * latency) / (seconds + dispatches * latency)
  const expected = metrics?.expectedSpeedUp
  return {
    ...where,
    drafts: name,
    τ: rounded(1 / blocks),
    drafted: metrics && rounded(metrics.meanDraftLength),
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
