import { OutriderError } from '@outrider/tensor'
import { chatAnswer, type EndpointAnswer } from '../endpoint/chat-answer'
import { RequestFailure } from '../endpoint/http'
import type { EndpointTarget } from '../endpoint/openai-target'
import { type FilePatterns, filesOf, nameOf } from '../sources/files-of'
import { decodeText, linesOf, type ReadableFile } from '../sources/lines'
import { openFile } from '../sources/open-file'

/** What the files of a batch's results had. */
export interface BatchFigures {
  /** Rows that are answered. */
  answered: number
  /** Rows whose request failed. */
  failed: number
  /** Rows that no file has. */
  missing: number
  /** Lines of rows that another line answers. */
  doubled: number
  /** Lines whose `custom_id` is of no row that was asked for. */
  foreign: number
  /** Lines that are no results. */
  unreadable: number
}

/** A target that has answered already. */
export interface BatchTarget extends EndpointTarget {
  /** What the last reading found. */
  readonly figures: Readonly<BatchFigures>
}

export interface BatchAnswersOptions {
  /** What the engine was asked as, as `writeBatch` was told. */
  model: string
  /** Files of results, and of errors, in whatever order: paths or patterns (Node), or files of a directory. */
  files: FilePatterns
  /** Told of requests that failed and lines that cannot be read, a sentence each. Default: nobody. */
  onTrouble?: ((message: string) => void) | undefined
}

/**
 * The answers to what `writeBatch` wrote, from the files that `vllm run-batch` or a hosted batch service made of it, as the target of
 * `generateDataset`, which is given the same seeds and settings: its rows are then those of the endpoint itself, in the same order. Rows that failed or are missing are left out (`maxFailed:
 * Infinity`), and the next `writeBatch` asks for these alone. Of a row that is answered twice the first answer counts.
 *
 * Files are read once for what they have and again for the answers, so that memory holds the place of every answer, and not its text.
 */
export function batchAnswers({ model, files, onTrouble = () => {} }: BatchAnswersOptions): BatchTarget {
  let figures: BatchFigures = { answered: 0, failed: 0, missing: 0, doubled: 0, foreign: 0, unreadable: 0 }
  return {
    kind: 'endpoint',
    model,
    source: `${model}, answers in ${nameOf(files)}`,
    get figures() {
      return figures
    },
    async *answers(asked, { isRow = () => true, signal }) {
      figures = { answered: 0, failed: 0, missing: 0, doubled: 0, foreign: 0, unreadable: 0 }
      const wanted = new Set(asked.map(({ id }) => id))
      const answered = new Map<string, Place>()
      const failed = new Map<string, string>()
      for (const place of await filesOf(files, /\.jsonl$/i)) {
        const file = { ...openFile(place), name: place.name }
        for await (const line of linesOf(file)) {
          signal?.throwIfAborted()
          if (line.isBlank) continue
          const where = `${file.name}, line ${line.number}`
          try {
            const { id, answer, failure } = resultIn(line.text, where)
            if (!isRow(id)) figures.foreign++
            else if (!wanted.has(id) || answered.has(id) || (!answer && failed.has(id))) figures.doubled++
            else if (answer) answered.set(id, { file, begin: line.begin, end: line.end, first: line.number === 1 })
            else failed.set(id, `${where}: ${failure}`)
          } catch (error) {
            if (!(error instanceof OutriderError)) throw error
            figures.unreadable++
            onTrouble(error.message)
          }
        }
      }
      for (const request of asked) {
        signal?.throwIfAborted()
        const place = answered.get(request.id)
        if (place) {
          figures.answered++
          yield { request, answer: await answerAt(place) }
          continue
        }
        const failure = failed.get(request.id)
        if (failure === undefined) figures.missing++
        else {
          figures.failed++
          onTrouble(failure)
        }
        yield { request, failure: failure ?? 'No file of results has it.' }
      }
    },
  }
}

/** Where an answer is. */
interface Place {
  file: ReadableFile
  begin: number
  end: number
  first: boolean
}

async function answerAt({ file, begin, end, first }: Place): Promise<EndpointAnswer> {
  const text = decodeText(await file.read(begin, end), first, file.name)
  const { answer } = resultIn(text, file.name)
  if (answer) return answer
  throw new OutriderError('FILE_FORMAT', `${file.name} was changed while it was read.`, { remedy: 'Run it again.' })
}

/** A line of results: `{ custom_id, response: { status_code, body }, error }`. */
function resultIn(text: string, where: string): { id: string; answer?: EndpointAnswer; failure?: string } {
  const line = object(parsed(text, where))
  const { custom_id: id, error } = line
  if (typeof id !== 'string') throw noResult(where, 'it has no custom_id')
  if (!('response' in line) && !('error' in line)) throw noResult(where, 'it has neither a response nor an error')
  const { status_code: status, body } = object(line.response)
  if (error || (status !== undefined && status !== 200)) {
    // OpenAI's and vLLM's way, and what a service says in the answer.
    const told = [object(error), object(object(error).error), object(object(body).error), object(body)]
    const said = told.map(({ message }) => message).find((message) => typeof message === 'string') ?? error ?? body
    const before = status === undefined ? '' : `HTTP ${status}: `
    return { id, failure: `${before}${typeof said === 'string' ? said : JSON.stringify(said ?? null)}`.slice(0, 1000) }
  }
  try {
    return { id, answer: chatAnswer(body) }
  } catch (failure) {
    if (failure instanceof RequestFailure) return { id, failure: failure.message }
    throw failure
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw noResult(where, 'it is not JSON')
  }
}

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const noResult = (where: string, why: string) =>
  new OutriderError('FILE_FORMAT', `${where} is no result of a batch: ${why}.`, {
    remedy: 'Give the files that the engine wrote, not those that it was given.',
  })
