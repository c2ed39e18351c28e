import { frequentIds } from '@outrider/dataset'
import {
  AnswerTable,
  answerLookup,
  firstOf,
  modelDrafter,
  promptLookup,
  type SpeculativeDecoderOptions,
} from '@outrider/speculative'
import { type ChatMessage, generate, type PretrainedModel } from '@outrider/transformer'
import { exchanges, type Task } from 'outrider/tiny-chat'
import { answeredInTurns, plainWay, rowOf, speculativeWay } from '../answered-in-turns'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'
import { parallelDraftRows } from './parallel-drafts'

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
/**
 * Every technique that makes drafts cheap, and what they are together, against plain decoding of one trained target, in turns:
 * on free text, on summaries of what the prompt says, and on questions that are asked again, whose answers repeat themselves. Then
 * drafts that propose a token at a time beside such as propose a block, of equal training budgets.
 * Speed-ups with latencies are computed from the same runs: measured seconds and so much for every dispatch.
 */
export const speculationSuite: Suite = {
  name: 'speculation',
  summary:
    'drafts of a model, looked up, trimmed, stopped, together, parallel, in turns: τ, dispatches, speed-up, share of τ / (1 + cγ)',
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
      const ways = [plainWay(target)]
      for (const [name, drafting] of Object.entries(drafters)) {
        note(`${name}: what steps cost at temperature ${temperature}`)
        ways.push(await speculativeWay(name, { target, ...drafting, draftLength, now }, temperature))
      }
      for (const [text, prompts] of Object.entries(texts)) {
        note(`${text}, γ ${draftLength}, temperature ${temperature}`)
        const measured = await answeredInTurns(device, ways, prompts, { temperature, maxTokens, rounds, now })
        rows.push(...measured.map((figures) => rowOf({ temperature, γ: draftLength, text }, figures, measured[0]!)))
      }
    }
    for (const model of [draft, trimmed]) model.dispose()
    rows.push(...(await parallelDraftRows({ device, note, now }, target)))
    target.dispose()
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
}): Record<string, Pick<SpeculativeDecoderOptions, 'drafter' | 'draftStop'>> {
  const model = modelDrafter(draft.model)
  const best = modelDrafter(trimmed.model)
  const lookup = promptLookup()
  // Before a model with a fixed γ, what one token alone has matched says too little.
  const longer = promptLookup({ minNgram: 2 })
  return {
    model: { drafter: model },
    trimmed: { drafter: best },
    stopped: { drafter: model, draftStop: stop },
    'stopped by auto': { drafter: model, draftStop: 'auto' },
    'trimmed, stopped': { drafter: best, draftStop: stop },
    lookup: { drafter: lookup },
    'lookup, table': { drafter: firstOf(lookup, answerLookup(table)) },
    'lookup, model': { drafter: firstOf(longer, model) },
    'lookup, trimmed, stopped': { drafter: firstOf(longer, best), draftStop: stop },
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
