import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import {
  AnswerTable,
  answerLookup,
  type Block,
  firstOf,
  measureCosts,
  promptLookup,
  SpeculativeDecoder,
} from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import {
  type ChatMessage,
  type Generation,
  generate,
  loadCausalLM,
  type PretrainedModel,
  promptTokens,
  resolveSampling,
} from '@outrider/transformer'
import { rounded } from '../compare'
import { linesOf, type Recorded, simulated } from '../recorded-answers'
import type { Row, Suite } from '../suite'

const maxTokens = 64

/** A prompt, or an answer for the table. */
interface Line extends Partial<Recorded> {
  category: string
  messages?: ChatMessage[]
}

/** What was measured of one prompt: a line of the log, which is an answer that `lookups` reads, too. */
interface Measured extends Required<Recorded> {
  ways: Record<string, Figures>
}

interface Figures {
  /** From the first token to the last. */
  seconds: number
  promptSeconds: number
  blocks: number
  drafted: number
  /** Whether the ids are those of plain decoding. */
  same: boolean
}

/**
 * Greedy answers of a model to prompts by kind of task: plain, with the conversation looked up, and with a table of other answers
 * behind it, at 'auto' and in turns by prompt. Each decoder answers all prompts, as a server does, the kinds one by one in turns.
 * A prompt that the log has is not measured again.
 */
export const lookupDecodingSuite: Suite = {
  name: 'lookup-decoding',
  summary: 'a model of yours, plain and with lookups in turns (--model, --answers: prompts and a table, --log, --each)',
  async run({ device, note, now, model: source, answers, log, each }) {
    if (!source || !answers) return []
    const lines = await linesOf<Line>(answers)
    const target = await loadCausalLM(source, { device })
    const table = new AnswerTable({ vocabularySize: target.config.vocabularySize, fingerprint: 'as recorded' })
    for (const { ids, messages, answer } of lines) if (answer && !ids && !messages) table.add(answer)
    const prompts = inTurns(
      lines.flatMap(({ category, ids, messages }) => {
        const prompt = ids ?? messages
        return prompt ? [{ category, ids: promptTokens(target, prompt) }] : []
      }),
    )
    const measured = log && existsSync(log) ? await linesOf<Measured>(log) : []
    const has = (ids: readonly number[]) => measured.some((other) => `${other.ids}` === `${ids}`)
    const missing = prompts.filter(({ turn, ids }) => turn < (each ?? Infinity) && !has(ids))
    if (missing.length > 0) {
      note('measuring what passes cost')
      const ways = await waysOf(target, table, now)
      for (const [i, { category, ids }] of missing.entries()) {
        note(`prompt ${i + 1} of ${missing.length}, ${category}`)
        const line = await measure(ways, { category, ids }, { first: i, now })
        measured.push(line)
        if (log) await appendFile(log, `${JSON.stringify(line)}\n`)
      }
    }
    target.dispose()
    return rowsOf(measured, device, table)
  },
}

const draftersOf = (table: AnswerTable) => ({
  lookup: promptLookup(),
  ...(table.size > 0 && { 'lookup, else table': firstOf(promptLookup(), answerLookup(table)) }),
})

type Way = (ids: number[]) => Generation<unknown>

async function waysOf(target: PretrainedModel, table: AnswerTable, now: () => number): Promise<Record<string, Way>> {
  const drafters = draftersOf(table)
  const sampling = resolveSampling({ temperature: 0 })
  await new SpeculativeDecoder({ target, drafter: drafters.lookup }).warmUp({ temperature: 0 })
  const costs = await measureCosts({ target: target.model, drafter: drafters.lookup, sampling, now })
  console.error(`Passes: ${JSON.stringify(costs.targetSeconds)}`)
  const ways: Record<string, Way> = { plain: (ids) => generate(target, ids, { temperature: 0, maxTokens }) }
  for (const [name, drafter] of Object.entries(drafters)) {
    const decoder = new SpeculativeDecoder({ target, drafter, costs, now })
    ways[name] = (ids) => decoder.generate(ids, { temperature: 0, maxTokens })
  }
  return ways
}

/** Each way once, beginning with another one each time. */
async function measure(
  ways: Record<string, Way>,
  { category, ids }: { category: string; ids: number[] },
  { first, now }: { first: number; now: () => number },
): Promise<Measured> {
  const names = Object.keys(ways)
  const answers: Record<string, Awaited<ReturnType<typeof timed>>> = {}
  for (const i of names.keys()) {
    const name = names[(first + i) % names.length]!
    answers[name] = await timed(ways[name]!(ids), now)
  }
  const answer = answers.plain!.tokens
  const figures = names.map((name) => {
    const { tokens, ...rest } = answers[name]!
    return [name, { ...rest, same: `${tokens}` === `${answer}` }]
  })
  return { category, ids, answer, ways: Object.fromEntries(figures) }
}

async function timed(answer: Generation<unknown>, now: () => number) {
  const started = now()
  let first: number | undefined
  let last = started
  let blocks = 0
  let drafted = 0
  for await (const block of answer) {
    last = now()
    if (first === undefined) first = last
    else blocks++
    drafted += (block as Partial<Block>).drafted ?? 0
  }
  const { tokens } = await answer.result
  return { tokens, seconds: last - first!, promptSeconds: first! - started, blocks, drafted }
}

function rowsOf(measured: readonly Measured[], device: Device, table: AnswerTable): Row[] {
  const vocabularySize = 1 + measured.reduce((most, { ids }) => Math.max(most, ...ids), table.largestId)
  return Object.entries(draftersOf(table)).flatMap(([way, drafter]) => {
    const lines = measured.filter(({ ways }) => way in ways)
    if (lines.length === 0) return []
    const fixed = simulated(lines, () => drafter, { draftLength: 5, device, vocabularySize })
    return [...new Set(lines.map(({ category }) => category)), 'all'].map((kind): Row => {
      const of = lines.filter(({ category }) => kind === 'all' || category === kind)
      const sum = (name: string, what: 'seconds' | 'blocks' | 'drafted') =>
        of.reduce((total, { ways }) => total + ways[name]![what], 0)
      const tokens = of.reduce((total, { answer }) => total + answer.length - 1, 0)
      const five = fixed.get(kind)
      return {
        drafts: way,
        kind,
        prompts: of.length,
        tokens,
        τ: rounded(tokens / sum(way, 'blocks')),
        drafted: rounded(sum(way, 'drafted') / sum(way, 'blocks')),
        plain_ms: rounded((1000 * sum('plain', 'seconds')) / tokens),
        ms: rounded((1000 * sum(way, 'seconds')) / tokens),
        speed_up: rounded(sum('plain', 'seconds') / sum(way, 'seconds')),
        same_ids: of.filter(({ ways }) => ways[way]!.same).length,
        τ_at_γ_5: five && rounded(five.tokens / five.blocks),
      }
    })
  })
}

/** The first of each kind, then the second of each, and so on. */
function inTurns<T extends { category: string }>(prompts: readonly T[]): (T & { turn: number })[] {
  const counts = new Map<string, number>()
  const numbered = prompts.map((prompt) => {
    const turn = counts.get(prompt.category) ?? 0
    counts.set(prompt.category, turn + 1)
    return { ...prompt, turn }
  })
  return numbered.sort((a, b) => a.turn - b.turn)
}
