import { mean, OutriderError, type Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { Decoder, type TransformerLM } from '../model/index'
import type { Tokenizer } from '../tokenizer/index'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'

export interface ParallelDraftOptions {
  /** The id that stands for tokens that are not drafted yet. Default: what the draft names, else one that no text has. */
  maskTokenId?: number | undefined
}

/**
 * A draft that names the token which stands for what is not drafted yet (`pard_token` in its config.json), as one that proposes a
 * block in one pass does once it is trained to (PARD, An et al. 2025, arXiv 2504.18583). The id is the one that is given, that the
 * draft has already, or that no text has: a row of the embedding that pads it beyond the tokenizer's pieces, else a special token
 * that is reserved by its name. Where there is none, a row is added to the embedding, the mean of the others, and to a head of its
 * own: the vocabulary is then one larger than the target's, which nothing here minds; vLLM refuses such a pair.
 *
 * @param draft  with weights in f32, which are copied: the caller disposes of both
 * @throws OutriderError INVALID_ARGUMENT for an id that is none of the vocabulary's, or that ends answers
 */
export function parallelDraft(draft: PretrainedModel, { maskTokenId }: ParallelDraftOptions = {}): PretrainedModel {
  const { model, config } = draft
  if (maskTokenId !== undefined) checkMaskToken(maskTokenId, config)
  const id = maskTokenId ?? config.maskTokenId ?? unusedId(draft) ?? config.vocabularySize
  const vocabularySize = Math.max(config.vocabularySize, id + 1)
  const parameters = copied(model, vocabularySize > config.vocabularySize ? tablesOf(config) : [])
  return pretrainedModel(new Decoder(model.device, { ...config, maskTokenId: id, vocabularySize }, parameters), draft)
}

/** An id that no text has, where there is one. */
export function unusedId({
  tokenizer,
  config,
}: {
  tokenizer: Pick<Tokenizer, 'vocabularySize' | 'specialTokens'>
  config: Pick<ModelConfig, 'vocabularySize'>
}): number | undefined {
  if (tokenizer.vocabularySize < config.vocabularySize) return tokenizer.vocabularySize
  const reserved = [...tokenizer.specialTokens].filter(
    ([piece, id]) => /reserved|unused/i.test(piece) && id < config.vocabularySize,
  )
  return reserved.length === 0 ? undefined : Math.max(...reserved.map(([, id]) => id))
}

function checkMaskToken(id: number, { vocabularySize, eosTokenIds, bosTokenId }: ModelConfig): void {
  const refuse = (what: string) => {
    throw new OutriderError('INVALID_ARGUMENT', `Token ${id} cannot stand for what is not drafted yet: ${what}.`, {
      remedy: 'Give the id of a token that no text has, or leave it out: one is found, or added.',
    })
  }
  if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize))
    refuse(`the vocabulary has ids from 0 to ${vocabularySize - 1}`)
  if (eosTokenIds.includes(id)) refuse('it ends answers')
  if (id === bosTokenId) refuse('texts begin with it')
}

/** What has a row for every id. */
const tablesOf = ({ tieWordEmbeddings, coveredIds }: ModelConfig): readonly string[] => [
  'model.embed_tokens.weight',
  ...(tieWordEmbeddings || coveredIds ? [] : ['lm_head.weight']),
]

/** Parameters of their own, some of them with one more row. */
const copied = ({ parameters }: TransformerLM, grown: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [name, copyOf(tensor, grown.includes(name) ? 1 : 0)]),
  )

function copyOf(x: Tensor, more: 0 | 1): Tensor {
  const { device, shape } = x
  return device.scope(() => {
    const copy = device.empty([shape[0]! + more, ...shape.slice(1)], x.dtype)
    device.copy(x, 0, copy, 0, x.size)
    if (more) device.copy(mean(x, { axis: 0 }), 0, copy, x.size, shape[1]!)
    return copy
  })
}
