import { OutriderError, uniform01 } from '@outrider/tensor'
import { type CausalLM, contentHash, modelIdentity, type PretrainedModel } from '@outrider/transformer'
import type { ContinuingTarget } from '../endpoint/continuations'
import type { GenerationProgress } from '../generate/generate-dataset'
import { InTurn } from '../generate/in-turn'
import { pinKernels } from '../generate/pinned-kernels'
import { openRowFile } from '../generate/row-file'
import { seedOf } from '../generate/row-requests'
import { stopped } from '../generate/stopped'
import { TokenTally } from '../generate/token-tally'
import type { FilePlace } from '../sources/open-file'
import type { Speaker } from '../tokenize/example'
import type { Beginning } from './beginning'
import type { Fault } from './fault'
import { NearDuplicates } from './near-duplicates'
import { type Attempt, wentOn } from './writers'

export interface SelfWrittenOptions {
  /** The model that writes: loaded here, or behind an engine that goes on from ids (`openAiTarget`). */
  target: PretrainedModel<CausalLM> | ContinuingTarget
  /** Whose tokenizer and template write how it begins. Default the target, where it is here. */
  speaker?: Speaker | undefined
  /** Rows that the file is to have in the end. */
  count: number
  /** Default 1. */
  temperature?: number | undefined
  /** Default 0.95. */
  topP?: number | undefined
  topK?: number | undefined
  /** Written side by side. Default 16. What is written does not depend on it. */
  batchSize?: number | undefined
  /** Scripts by their Unicode names, Latin or Han, of which what is kept is written. Default: any, one for a row. */
  scripts?: readonly string[] | undefined
  /** Decides what is drawn. Default 0. */
  seed?: number | undefined
  /** The JSONL file, a path (Node) or in a directory. What is complete in it stays; only what is missing is written. */
  out: string | FilePlace
  onProgress?: ((progress: SelfWrittenProgress) => void) | undefined
  /** As of `generateDataset`, of the kernels that the file was begun with. */
  onRemark?: ((remark: string) => void) | undefined
  /** Stops after the step at hand; the file stays valid, and a second run goes on. */
  signal?: AbortSignal | undefined
}

export interface SelfWrittenProgress extends GenerationProgress {
  /** What was written in this call and not kept, by reason. */
  leftOut: LeftOutFaults
}

export type LeftOutFaults = Partial<Record<Fault, number>>

export interface SelfWritten {
  /** Rows of these settings in the file: fewer than asked for where too little of what was written could be kept. */
  rows: number
  /** How many of them are new. */
  generated: number
  /** Other rows in the file. */
  others: number
  leftOut: LeftOutFaults
}

/** What came of an attempt. */
export interface Written {
  /** With its opening. */
  text: string
  /** Without it. */
  said: string
  category: string | undefined
  finishReason: 'stop' | 'length'
}

/** What is written: how an attempt begins, what is kept of it and as which row. */
export interface Kind {
  name: string
  beginning: Beginning
  maxTokens: number
  /** What else decides what is written. */
  settings: object
  /**
   * How the attempts of a group begin: a prompt is read once for all of them.
   *
   * @param u  drawn for the group, uniform in [0, 1)
   */
  opening: (group: number, u: number) => { text: string; category?: string }
  fault: (written: Written) => Fault | undefined
  row: (written: Written) => object
  /** The text of such a row. */
  textOf: (row: object) => string
}

/**
 * Lets a target write rows by itself, until there are enough that are worth keeping. Attempts are numbered: what the n-th draws
 * depends on the seed, the settings and the target alone, and whether it is kept on those before it. So a run that was interrupted
 * ends in the same bytes as one that never was: it goes on behind the last row kept. Of an endpoint, whether an attempt draws the
 * same again is the engine's affair.
 *
 * @throws OutriderError FILE_FORMAT, FILE_WRITE, ABORTED; INVALID_ARGUMENT where nothing of what was written could be kept, and of kernels
 *   as `generateDataset`
 */
export async function selfWritten(
  { target, count, temperature = 1, topP = 0.95, topK, batchSize, scripts, seed = 0, out, ...call }: SelfWrittenOptions,
  { name, beginning, maxTokens, settings, opening, fault, row: rowOf, textOf }: Kind,
): Promise<SelfWritten> {
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new OutriderError('INVALID_ARGUMENT', `count is ${count}; it must be a positive whole number.`)
  const drawn = { temperature, topP, topK, maxTokens, seed, scripts, ...settings }
  const known = await contentHash({ name, ...drawn, beginning, model: await writerIdentity(target) })
  const idOf = (attempt: number) => `${known.slice(0, 16)}-${attempt}`
  const kept = new NearDuplicates()
  let first = 0
  let rows = 0
  const file = await openRowFile(out, (row) => {
    const [run, attempt] = row.id.split('-')
    if (run !== known.slice(0, 16)) return
    first = Math.max(first, Number(attempt) + 1)
    rows++
    kept.add(textOf(row))
  })
  if (!('kind' in target) && rows < count) await pinKernels(target.model.device, out, file.rows, call.onRemark)
  const others = file.rows - rows
  const before = rows
  const leftOut: LeftOutFaults = {}
  const tally = new TokenTally((counts) =>
    call.onProgress?.({ rows, total: count, others, ...counts, leftOut: { ...leftOut } }),
  )
  tally.tell()

  const last = mostAttempts(count)
  const speaker = speakerOf({ target, ...call })
  function* attempts(): Generator<Attempt> {
    for (let attempt = first; attempt < last && rows < count; attempt++) {
      const group = Math.floor(attempt / alike)
      const { text, category } = opening(group, uniform01(seedOf(known), group))
      const prompt = [...beginning.begin, ...encoded(speaker, beginning.prefix + text)]
      const sampling = { temperature, topP, topK, seed: (seedOf(known) + attempt) % 2 ** 52 }
      yield { attempt, opening: text, category, prompt, maxTokens, stop: beginning.stop, ...sampling }
    }
  }
  const inTurn = new InTurn<Written & { id: string }>()
  try {
    const how = { endIds: beginning.endIds, size: batchSize, signal: call.signal, onTokens: tally.add }
    for await (const { request, said, finishReason } of wentOn({ target, speaker }, attempts(), how)) {
      const { attempt, opening, category } = request
      const written = { id: idOf(attempt), text: (opening + said).trim(), said, category, finishReason }
      for (const { id, ...next } of inTurn.add(attempt - first, written)) {
        if (rows === count) break
        const wrong = fault(next) ?? (kept.has(next.text) ? 'duplicate' : undefined)
        if (wrong) {
          leftOut[wrong] = (leftOut[wrong] ?? 0) + 1
          continue
        }
        kept.add(next.text)
        const row = { id, ...rowOf(next), temperature, top_p: topP }
        await file.append([row])
        rows++
      }
      tally.tell()
      if (rows === count) break
    }
  } catch (error) {
    throw error instanceof OutriderError && error.code === 'ABORTED' ? stopped(rows, count) : error
  }
  if (rows > 0) return { rows, generated: rows - before, others, leftOut }
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `${target.source} was let write ${name} ${last} times, and none could be kept (${leftOutText(leftOut)}).`,
    { remedy: 'Give seeds or texts of your own, or other settings: more tokens, another temperature.' },
  )
}

/** `3 too short, 1 near-duplicate`. */
export const leftOutText = (leftOut: LeftOutFaults): string =>
  Object.entries(leftOut)
    .map(([fault, count]) => `${count} ${inWords[fault as Fault]}`)
    .join(', ')

const inWords: Record<Fault, string> = {
  unfinished: 'not finished',
  short: 'too short',
  repeats: 'repeating themselves',
  script: 'of several scripts or another one',
  duplicate: 'much as one before',
}

/** Attempts that begin alike, one after the other. */
const alike = 4

/** A target of which hardly a tenth can be kept is no writer. */
const mostAttempts = (count: number) => 64 + 10 * count

/** Of an endpoint the model's name, wherever it is served. */
const writerIdentity = async (target: SelfWrittenOptions['target']): Promise<object> =>
  'kind' in target ? { endpoint: target.model } : modelIdentity(target)

/** @throws OutriderError INVALID_ARGUMENT where the target is elsewhere, and nobody speaks for it */
export function speakerOf({ target, speaker }: Pick<SelfWrittenOptions, 'target' | 'speaker'>): Speaker {
  const found = speaker ?? ('kind' in target ? undefined : target)
  if (found) return found
  throw new OutriderError('INVALID_ARGUMENT', 'Nobody is there to write how the target begins.', {
    remedy: "Give the target's tokenizer and template as speaker.",
  })
}

const encoded = ({ tokenizer }: Speaker, text: string) =>
  text === '' ? [] : tokenizer.encode(text, { addSpecialTokens: false })
