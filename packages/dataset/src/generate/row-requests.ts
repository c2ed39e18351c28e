import { OutriderError } from '@outrider/tensor'
import { type ChatMessage, checkPrompt, contentHash, modelIdentity } from '@outrider/transformer'
import type { EndpointTarget } from '../endpoint/openai-target'
import type { DatasetRow } from '../formats/row'
import { useRow } from '../formats/use-row'
import { promptOf } from '../tokenize/example'
import type { GenerateDatasetOptions } from './generate-dataset'
import { ownRows } from './own-rows'

/** A row that is to be in the file. */
export interface RowRequest {
  id: string
  /** How versions up to 0.1 knew the row: without the target's weights and the prompt's tokens. Decides what is drawn. */
  asked: string
  messages: ChatMessage[]
  metadata: Record<string, unknown>
  temperature: number
  /** Its tokens; none for an endpoint, which makes them itself. */
  prompt: number[]
}

/** What decides the rows; of an endpoint no more than its name. */
export type RowsAsked = Omit<GenerateDatasetOptions, 'target' | 'draft' | 'out'> & {
  target: Exclude<GenerateDatasetOptions['target'], { kind: unknown }> | Pick<EndpointTarget, 'kind' | 'model'>
  /** What sampled rows depend on besides, where they are drawn with a draft. */
  drawnWith?: object | undefined
}

/** Everything that is to be in the file, in its order. The same request twice is one row. */
export async function rowRequests(
  {
    target,
    drawnWith,
    seeds,
    temperatures = [0, 0.3, 0.7, 1],
    samples = 1,
    seed = 0,
    topK,
    rank,
    worldSize,
  }: RowsAsked,
  topP: number,
  maxTokens: number,
): Promise<RowRequest[]> {
  const requests = new Map<string, RowRequest>()
  const { model, computed } = await identityOf(target)
  for await (const row of seeds) {
    const asked = useRow(seeds, row, () => instruction(row, target))
    if (!asked) continue
    const { messages, prompt } = asked
    const metadata = row.kind === 'conversation' ? row.metadata : {}
    for (const temperature of temperatures)
      for (let sample = 0; sample < (temperature === 0 ? 1 : samples); sample++) {
        // A greedy row is the same with any draft, and none.
        const drawn = temperature > 0 && drawnWith && { drawnWith }
        const settings = { messages, temperature, topP, topK, maxTokens, sample, seed, ...drawn }
        const asked = await contentHash({ ...settings, model })
        const id = await contentHash({ asked, prompt, computed })
        if (!requests.has(id)) requests.set(id, { id, asked, messages, metadata, temperature, prompt })
      }
  }
  const isOwn = ownRows({ rank, worldSize })
  if (requests.size > 0) return [...requests.values()].filter(({ id }) => isOwn(id))
  throw new OutriderError('INVALID_ARGUMENT', `${seeds.name} has no instruction to answer.`, {
    remedy: 'Give rows with messages, a prompt, an instruction or turns.',
  })
}

/** What rows are known by, of who answers: of an endpoint the model's name, wherever it is served. */
async function identityOf(target: RowsAsked['target']): Promise<{ model: object; computed: object }> {
  if ('kind' in target) return { model: { endpoint: target.model }, computed: {} }
  return {
    model: { vocabulary: target.tokenizer.fingerprint, config: target.config, source: target.source },
    computed: { ...(await modelIdentity(target)), ends: target.generationConfig.eosTokenIds },
  }
}

/** The conversation up to the last answer, which is to be given anew, and as the target reads it. */
function instruction(row: DatasetRow, target: RowsAsked['target']): { messages: ChatMessage[]; prompt: number[] } {
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
  if ('kind' in target) return { messages, prompt: [] }
  const prompt = promptOf(target, messages)
  checkPrompt(target.config, prompt)
  return { messages, prompt }
}

/** 52 bits of the hash of what is asked: a row's random numbers depend on nothing else. */
export const seedOf = (asked: string) => Number.parseInt(asked.slice(0, 13), 16)

/** 31 bits of it: some engines take no longer seed. */
export const shortSeedOf = (asked: string) => Number.parseInt(asked.slice(0, 8), 16) >>> 1
