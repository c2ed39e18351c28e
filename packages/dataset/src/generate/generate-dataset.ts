import { OutriderError } from '@outrider/tensor'
import type { CausalLM, ChatMessage, PretrainedModel } from '@outrider/transformer'
import type { EndpointTarget } from '../endpoint/openai-target'
import type { DataSource } from '../formats/row'
import type { FilePlace } from '../sources/open-file'
import { type Answered, answered } from './answered'
import { assertDraftable, type DraftOfRows } from './draft-of-rows'
import { InTurn } from './in-turn'
import type { Share } from './own-rows'
import { pinKernels } from './pinned-kernels'
import { openRowFile } from './row-file'
import { type RowRequest, rowRequests } from './row-requests'
import { stopped } from './stopped'
import { TokenTally } from './token-tally'

/** Of several machines each has its own rows answered (`rank`, `worldSize`), into a file of its own; the files are put together. */
export interface GenerateDatasetOptions extends Share {
  /** The chat-tuned model whose answers are collected: loaded here, behind OpenAI's API (`openAiTarget`), or in files that it answered (`batchAnswers`). */
  target: PretrainedModel<CausalLM> | EndpointTarget
  /**
   * Answers with a draft: `draftedAnswers` of `@outrider/speculative`. Greedy rows are the same as without. Sampled ones have the same
   * distribution and are drawn otherwise, so that they are known as other rows: by what they are drawn with. Of a target that is
   * loaded here. Default none: beside many others a sequence gains little by a draft.
   */
  draft?: DraftOfRows | undefined
  /** Instructions: conversations, of which the part before the last answer is asked again. */
  seeds: DataSource
  /** Each instruction is answered once at each of these. Default the paper's: 0, 0.3, 0.7 and 1. */
  temperatures?: readonly number[] | undefined
  /** Default 0.95, as in the paper. */
  topP?: number | undefined
  topK?: number | undefined
  /** Answers for each instruction and temperature above 0. Default 1. */
  samples?: number | undefined
  /** Tokens an answer at most. Default 256. */
  maxTokens?: number | undefined
  /** Answers generated side by side, of an endpoint the most asked for at once. Default 16. What is said does not depend on it. */
  batchSize?: number | undefined
  /** Rows that an endpoint may refuse before that ends the run. They are left out, and asked for again by the next. Default 0. */
  maxFailed?: number | undefined
  /** Decides what is drawn. Default 0. */
  seed?: number | undefined
  /** The JSONL file, a path (Node) or in a directory. What is complete in it stays; only what is missing is generated. */
  out: string | FilePlace
  /** Told of every row written, and as tokens come ten times a second, from the first prompt read on. */
  onProgress?: ((progress: GenerationProgress) => void) | undefined
  /**
   * Told of every new row once it is written, in their order, with the tokens that it answers (none where an endpoint does not
   * say them); what is next waits for it.
   */
  onRow?: ((row: GeneratedRow, prompt: readonly number[]) => void | Promise<void>) | undefined
  /**
   * Told of what the target said its new answers from, before their rows are written, which wait for it: whoever learns from them need
   * not have the target read them again (`TargetStates.keep` of `@outrider/training`). Of a target that does not show it as it
   * decodes, and of answers with a draft, nothing is told.
   */
  onStates?: ((answers: readonly AnswerStates[]) => void | Promise<void>) | undefined
  /**
   * Told of what cannot be as it was where a file goes on: rows are made with the kernels that tuning had chosen when the file began,
   * which are written down beside it (`<out>.kernels.json`), and another adapter may not have them.
   */
  onRemark?: ((remark: string) => void) | undefined
  /** Stops after the step at hand; the file stays valid, and a second run goes on. */
  signal?: AbortSignal | undefined
}

/** An answer, and the target's hidden states that each of its tokens was said from. */
export interface AnswerStates {
  prompt: readonly number[]
  tokens: readonly number[]
  /** Bits of f16 [tokens, hidden], a row filled up with a zero where hidden is odd. */
  hidden: Uint16Array
}

export interface GenerationProgress {
  /** Rows of this call's instructions and settings that the file has, and in the end. */
  rows: number
  total: number
  /** Other rows that the file has: of other instructions, settings or targets. They stay in it. */
  others: number
  /** Tokens generated since this call began, those read of prompts, and seconds. */
  tokens: number
  promptTokens: number
  seconds: number
}

/** A row of the dataset. */
export interface GeneratedRow {
  /**
   * Hash of the instruction, the settings and the target: its weights and their dtype, or its name at an endpoint. Of a sampled row
   * also of the draft that it was drawn with.
   */
  id: string
  messages: ChatMessage[]
  temperature: number
  top_p: number
  finish_reason: 'stop' | 'length'
  /**
   * The answer's tokens as the target said them, its end token among them: what is learned. Of an endpoint that does not say
   * them there are none, and what is learned are the tokens of the text.
   */
  completion_ids?: number[]
  [metadata: string]: unknown
}

/**
 * Lets the target answer the seed instructions over a grid of temperatures (Goel et al. 2024, arXiv 2403.00858, section 3.2)
 * and writes the conversations as JSONL, row by row, each as soon as it and those before it have ended. A prompt is read once for
 * all its answers, and a place that becomes free in the batch is taken at once (`answerEach`). Killed at any moment and run again,
 * it ends in the same bytes as a run that was never interrupted: rows are known by a hash of what they answer, a row's random
 * numbers come from a hash of what is asked, and kernels are those that the file was begun with.
 *
 * Of an endpoint, rows are written as they are of a model here; whether the same bytes come again is the engine's affair.
 *
 * @returns rows in the file, how many of them are new, how many of these have no `completion_ids`, how many an endpoint refused,
 *   and how many in the file are of other instructions, settings or targets
 * @throws OutriderError FILE_FORMAT, FILE_WRITE; INVALID_ARGUMENT where there is no instruction, for a draft of an endpoint, for
 *   what an endpoint refuses, and where other kernels have run on the device than the file was begun with;
 *   CONTEXT_OVERFLOW for one that leaves no room for an answer, before anything is generated; NETWORK, VOCABULARY_MISMATCH,
 *   UNSUPPORTED of an endpoint; UNSUPPORTED for a kernel that the file was begun with and this adapter does not have; ABORTED
 */
export async function generateDataset(
  options: GenerateDatasetOptions,
): Promise<{ rows: number; generated: number; withoutIds: number; failed: number; others: number }> {
  const { topP = 0.95, maxTokens = 256, batchSize = 16, maxFailed = 0, out } = options
  assertDraftable(options)
  const drawnWith = await options.draft?.identity(options.target as PretrainedModel<CausalLM>, { size: batchSize })
  const requests = await rowRequests({ ...options, drawnWith }, topP, maxTokens)
  const file = await openRowFile(out)
  const isThere = ({ id, asked }: RowRequest) => file.ids.has(id) || file.ids.has(asked)
  const missing = requests.filter((request) => !isThere(request))
  if (!('kind' in options.target) && missing.length > 0)
    await pinKernels(options.target.model.device, out, file.rows, options.onRemark)
  const ids = new Set(requests.map(({ id }) => id))
  const total = requests.length
  let generated = 0
  let withoutIds = 0
  let failed = 0
  const there = () => total - missing.length + generated
  const others = file.rows - there()
  const tally = new TokenTally((counts) => options.onProgress?.({ rows: there(), total, others, ...counts }))
  tally.tell()
  // In the order of what was asked, so that a file that was interrupted is a beginning of the whole.
  const inTurn = new InTurn<Answered>()
  try {
    const isRow = (id: string) => ids.has(id)
    const asking = { ...options, topP, maxTokens, batchSize, isRow, onTokens: tally.add }
    for await (const one of answered(missing, asking)) {
      if (!one.answer && ++failed > maxFailed) throw tooManyFailed(one, failed)
      const due = inTurn.add(one.turn, one).filter(({ answer }) => answer)
      if (due.length === 0) continue
      // First what a row that is in the file has to have.
      if (one.hidden) await options.onStates?.(due.map(statesOf))
      const rows = due.map((answered) => rowOf(answered, topP))
      await file.append(rows)
      for (const [i, row] of rows.entries()) {
        generated++
        if (!row.completion_ids) withoutIds++
        await options.onRow?.(row, due[i]!.prompt ?? [])
      }
      tally.tell()
    }
  } catch (error) {
    const isStopped = error instanceof OutriderError ? error.code === 'ABORTED' : options.signal?.aborted
    throw isStopped ? stopped(there(), total) : error
  }
  return { rows: file.rows, generated, withoutIds, failed, others }
}

const statesOf = ({ prompt, answer, hidden }: Answered): AnswerStates => ({
  prompt: prompt!,
  tokens: answer!.tokens!,
  hidden: hidden!,
})

function rowOf({ row, answer }: Answered, topP: number): GeneratedRow {
  const { id, messages, metadata, temperature } = row
  const { text, finishReason, tokens } = answer!
  return {
    ...metadata,
    id,
    messages: [...messages, { role: 'assistant', content: text }],
    temperature,
    top_p: topP,
    finish_reason: finishReason,
    ...(tokens && { completion_ids: tokens }),
  }
}

function tooManyFailed({ row, failure }: Answered, failed: number): OutriderError {
  const asked = row.messages.at(-1)!.content
  const which = JSON.stringify(asked.length > 60 ? `${asked.slice(0, 60)}…` : asked)
  const before = failed > 1 ? `, as ${failed - 1} before it` : ''
  return new OutriderError('INVALID_ARGUMENT', `The endpoint gives no answer to ${which}${before}. ${failure}`, {
    remedy: 'Ask for what it answers, or let some rows be left out (maxFailed, --max-failed).',
    details: { id: row.id, failed },
  })
}
