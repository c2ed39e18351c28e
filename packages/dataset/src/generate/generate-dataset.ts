import { OutriderError } from '@outrider/tensor'
import {
  type CausalLM,
  type ChatMessage,
  checkPrompt,
  contentHash,
  generateBatch,
  modelIdentity,
  type PretrainedModel,
} from '@outrider/transformer'
import type { DataSource, DatasetRow } from '../formats/row'
import { useRow } from '../formats/use-row'
import type { FilePlace } from '../sources/open-file'
import { promptOf } from '../tokenize/example'
import { openRowFile } from './row-file'

export interface GenerateDatasetOptions {
  /** The chat-tuned model whose answers are collected. */
  target: PretrainedModel<CausalLM>
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
  /** Answers generated side by side. Default 16. */
  batchSize?: number | undefined
  /** Decides what is drawn. Default 0. */
  seed?: number | undefined
  /** The JSONL file, a path (Node) or in a directory. What is complete in it stays; only what is missing is generated. */
  out: string | FilePlace
  onProgress?: ((progress: GenerationProgress) => void) | undefined
  /** Stops after the answers at hand; the file stays valid, and a second run goes on. */
  signal?: AbortSignal | undefined
}

export interface GenerationProgress {
  /** Rows of this call's instructions and settings that the file has, and in the end. */
  rows: number
  total: number
  /** Other rows that the file has: of other instructions, settings or targets. They stay in it. */
  others: number
  /** Tokens generated since this call began, and seconds. */
  tokens: number
  seconds: number
}

/** A row of the dataset. */
export interface GeneratedRow {
  /** Hash of the instruction, the settings and the target: its weights and their dtype. */
  id: string
  messages: ChatMessage[]
  temperature: number
  top_p: number
  finish_reason: 'stop' | 'length'
  /** The answer's tokens as the target said them, its end token among them: what is learned. */
  completion_ids: number[]
  [metadata: string]: unknown
}

interface Request {
  id: string
  /** How versions up to 0.1 knew the row: without the target's weights and the prompt's tokens. Decides what is drawn. */
  asked: string
  messages: ChatMessage[]
  metadata: Record<string, unknown>
  temperature: number
  prompt: number[]
}

/**
 * Lets the target answer the seed instructions over a grid of temperatures (Goel et al. 2024, arXiv 2403.00858, section 3.2)
 * and writes the conversations as JSONL, row by row. Killed at any moment and run again, it ends in the same bytes as a run
 * that was never interrupted: rows are known by a hash of what they answer, and a row's random numbers come from a hash of what is asked.
 *
 * @returns rows in the file, how many of them are new, and how many are of other instructions, settings or targets
 * @throws OutriderError FILE_FORMAT, FILE_WRITE; INVALID_ARGUMENT where there is no instruction; CONTEXT_OVERFLOW for one that
 *   leaves no room for an answer, before anything is generated; ABORTED
 */
export async function generateDataset(
  options: GenerateDatasetOptions,
): Promise<{ rows: number; generated: number; others: number }> {
  const { target, topP = 0.95, topK, maxTokens = 256, batchSize = 16, out, signal } = options
  const requests = await plan(options, topP, maxTokens)
  const file = await openRowFile(out)
  const began = performance.now()
  let tokens = 0
  let generated = 0
  const isThere = ({ id, asked }: Request) => file.ids.has(id) || file.ids.has(asked)
  const missing = requests.filter((request) => !isThere(request))
  const total = requests.length
  const there = () => total - missing.length + generated
  const others = file.rows - there()
  options.onProgress?.({ rows: there(), total, others, tokens, seconds: 0 })
  for (let begin = 0; begin < missing.length; begin += batchSize) {
    const batch = missing.slice(begin, begin + batchSize)
    if (signal?.aborted) throw stopped(there(), total)
    const answers = await generateBatch(
      target,
      batch.map(({ prompt }) => prompt),
      {
        maxTokens,
        topP,
        topK,
        signal,
        temperature: batch.map(({ temperature }) => temperature),
        seed: batch.map(({ asked }) => seedOf(asked)),
      },
    ).catch((error: unknown) => {
      throw error instanceof OutriderError && error.code === 'ABORTED' ? stopped(there(), total) : error
    })
    const rows = batch.map(({ id, messages, metadata, temperature }, i): GeneratedRow => {
      const { text, finishReason, tokens: said } = answers[i]!
      tokens += said.length
      return {
        ...metadata,
        id,
        messages: [...messages, { role: 'assistant', content: text }],
        temperature,
        top_p: topP,
        finish_reason: finishReason,
        completion_ids: said,
      }
    })
    await file.append(rows)
    generated += rows.length
    const seconds = (performance.now() - began) / 1000
    options.onProgress?.({ rows: there(), total, others, tokens, seconds })
  }
  return { rows: file.rows, generated, others }
}

/** Everything that is to be in the file, in its order. The same request twice is one row. */
async function plan(
  { target, seeds, temperatures = [0, 0.3, 0.7, 1], samples = 1, seed = 0, topK }: GenerateDatasetOptions,
  topP: number,
  maxTokens: number,
): Promise<Request[]> {
  const requests = new Map<string, Request>()
  const model = { vocabulary: target.tokenizer.fingerprint, config: target.config, source: target.source }
  const computed = { ...(await modelIdentity(target)), ends: target.generationConfig.eosTokenIds }
  for await (const row of seeds) {
    const asked = useRow(seeds, row, () => instruction(row, target))
    if (!asked) continue
    const { messages, prompt } = asked
    const metadata = row.kind === 'conversation' ? row.metadata : {}
    for (const temperature of temperatures)
      for (let sample = 0; sample < (temperature === 0 ? 1 : samples); sample++) {
        const asked = await contentHash({ messages, temperature, topP, topK, maxTokens, sample, seed, model })
        const id = await contentHash({ asked, prompt, computed })
        if (!requests.has(id)) requests.set(id, { id, asked, messages, metadata, temperature, prompt })
      }
  }
  if (requests.size > 0) return [...requests.values()]
  throw new OutriderError('INVALID_ARGUMENT', `${seeds.name} has no instruction to answer.`, {
    remedy: 'Give rows with messages, a prompt, an instruction or turns.',
  })
}

/** The conversation up to the last answer, which is to be given anew, and as the target reads it. */
function instruction(
  row: DatasetRow,
  target: PretrainedModel<CausalLM>,
): { messages: ChatMessage[]; prompt: number[] } {
  const messages =
    row.kind === 'text'
      ? [{ role: 'user', content: row.text }]
      : row.kind === 'conversation'
        ? row.messages.slice(0, row.messages.findLastIndex(({ role }) => role !== 'assistant') + 1)
        : []
  if (messages.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'It asks nothing: it has no message but answers, or only tokens.', {
      remedy: 'Give rows with messages, a prompt, an instruction or turns.',
    })
  const prompt = promptOf(target, messages)
  checkPrompt(target.config, prompt)
  return { messages, prompt }
}

/** 52 bits of the hash of what is asked: a row's random numbers depend on nothing else. */
const seedOf = (asked: string) => Number.parseInt(asked.slice(0, 13), 16)

const stopped = (rows: number, total: number) =>
  new OutriderError('ABORTED', `Generation was stopped with ${rows} of ${total} rows written.`, {
    remedy: 'Run it again to go on from there.',
  })
