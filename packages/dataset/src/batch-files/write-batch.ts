import { OutriderError } from '@outrider/tensor'
import { bodyOf, openAiFields, openFields } from '../endpoint/dialect'
import type { GenerateDatasetOptions } from '../generate/generate-dataset'
import { rowIds } from '../generate/row-file'
import { type RowRequest, rowRequests, shortSeedOf } from '../generate/row-requests'
import { type FilePlace, placeOf } from '../sources/open-file'

export interface WriteBatchOptions
  extends Pick<
    GenerateDatasetOptions,
    'seeds' | 'temperatures' | 'topP' | 'topK' | 'samples' | 'maxTokens' | 'seed' | 'rank' | 'worldSize' | 'out'
  > {
  /** What the engine calls the target. */
  model: string
  /** The file of requests, a path (Node) or in a directory. Where they are too many for one, `-2`, `-3` … follow its name. */
  batch: string | FilePlace
  /**
   * Whom it is for. `vllm`: engines that take vLLM's fields, which say the ids of tokens; `openai`: hosted services, which refuse
   * fields that they do not know. Default vllm.
   */
  fields?: 'vllm' | 'openai' | undefined
  /** Requests a file at most. Default 50,000, OpenAI's limit. A file has 200 MB at most, its other limit. */
  requestsPerFile?: number | undefined
}

const mostBytes = 200e6

/**
 * Writes what `generateDataset` would ask an endpoint as files in OpenAI's batch format, for `vllm run-batch` and hosted batch
 * services: a line a request to `/v1/chat/completions`, and nothing of another kind among them; its `custom_id` is the id of its
 * row. Rows that `out` has are left out. What comes back is read by `batchAnswers`.
 *
 * @returns the files that were written, how many requests they have, and how many rows `out` has already
 * @throws OutriderError INVALID_ARGUMENT where there is no instruction; FILE_FORMAT where `out` is no file of ours; FILE_WRITE;
 *   UNSUPPORTED where topK is asked for of a service that knows none
 */
export async function writeBatch(
  options: WriteBatchOptions,
): Promise<{ files: FilePlace[]; requests: number; rows: number }> {
  const { model, fields = 'vllm', topP = 0.95, topK, maxTokens = 256, requestsPerFile = 50_000 } = options
  if (topK && fields === 'openai')
    throw new OutriderError('UNSUPPORTED', "OpenAI's batch format has no top_k.", {
      remedy: 'Leave topK (--top-k) out: topP alone cuts the distribution.',
    })
  const all = await rowRequests({ ...options, target: { kind: 'endpoint', model } }, topP, maxTokens)
  const there = await rowIds(options.out)
  const missing = all.filter(({ id, asked }) => !there.has(id) && !there.has(asked))
  const lineOf = ({ id, asked, messages, temperature }: RowRequest): Uint8Array => {
    const conversation = { messages, temperature, topP, maxTokens, seed: shortSeedOf(asked) }
    const body = bodyOf(model, conversation, fields === 'vllm' ? openFields(topK) : openAiFields)
    const line = { custom_id: id, method: 'POST', url: '/v1/chat/completions', body }
    return encoder.encode(`${JSON.stringify(line)}\n`)
  }
  const { directory, file } = placeOf(options.batch)
  const files: FilePlace[] = []
  for (const part of partsOf(missing, lineOf, requestsPerFile)) {
    const name = numbered(file, files.length + 1)
    await directory.write(name, linesIn(part, lineOf))
    files.push({ directory, file: name })
  }
  return { files, requests: missing.length, rows: all.length - missing.length }
}

const encoder = new TextEncoder()

/** Divides requests into as many as a file may have. */
function* partsOf(
  requests: readonly RowRequest[],
  lineOf: (request: RowRequest) => Uint8Array,
  most: number,
): Generator<RowRequest[]> {
  let part: RowRequest[] = []
  let bytes = 0
  for (const request of requests) {
    const { length } = lineOf(request)
    if (part.length === most || (part.length > 0 && bytes + length > mostBytes)) {
      yield part
      part = []
      bytes = 0
    }
    part.push(request)
    bytes += length
  }
  if (part.length > 0) yield part
}

function* linesIn(requests: readonly RowRequest[], lineOf: (request: RowRequest) => Uint8Array): Generator<Uint8Array> {
  for (const request of requests) yield lineOf(request)
}

/** `batch.jsonl`, `batch-2.jsonl`, `batch-3.jsonl` … */
const numbered = (file: string, number: number): string =>
  number === 1 ? file : file.replace(/(\.[^.]*)?$/, (end) => `-${number}${end}`)
