import { type Device, OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { oversized, sizeLimits } from '../config/size-limits'
import { Decoder, type TransformerLM } from '../model/index'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'
import { vocabularyOf } from './trimmed'

export interface DraftOptions {
  layers: number
  hiddenSize: number
  /** Query heads. Default: heads as wide as the target's, or the widest power of two below that divides hiddenSize. */
  heads?: number
  /** Key and value heads. Default: as many as query heads. */
  kvHeads?: number
  /** Width of the MLP. Default: 2.75 × hiddenSize rounded up to 32, the ratio of arXiv 2403.00858. */
  intermediateSize?: number
  /** Whether the output head is the embedding table. Default: as in the target. */
  tieWordEmbeddings?: boolean
  /**
   * The ids that it can say, ascending (`frequentIds` of `@outrider/dataset`); the ends of text join them. Its head has rows for
   * these alone, every other id has p = 0: answers stay the target's, a head over fewer ids costs less. Default: all.
   */
  vocabulary?: readonly number[]
  /**
   * What the embedding begins as, and a head of its own with it: f32 [vocabulary, hiddenSize], row-major, as `projectEmbedding`
   * makes it of the target's. Default: random.
   */
  embedding?: Float32Array
  /** Of the random initial weights. Default 0. */
  seed?: number
  /** Where the draft lives. Default: where the target does. */
  device?: Device
}

/** What a draft needs of its target: not its weights. `openCausalLM` has that too. */
export type DraftTarget = Pick<
  PretrainedModel,
  'config' | 'tokenizer' | 'chatTemplate' | 'generationConfig' | 'source'
> & { readonly model?: TransformerLM }

/**
 * A small, freshly initialised Llama, whatever the target's family, that speaks the target's tokens: the target's vocabulary, tokenizer, chat template,
 * special tokens and context length. The caller disposes of it.
 *
 * @throws OutriderError INVALID_ARGUMENT for sizes that do not fit together, and a vocabulary that is not the target's
 */
export function createDraft(target: DraftTarget, options: DraftOptions): PretrainedModel {
  const device = options.device ?? target.model?.device
  if (!device) throw invalid('the target is on no device, and none is given')
  const { vocabulary, embedding, seed = 0 } = options
  const config = draftConfig(target.config, options)
  const coveredIds = vocabulary && vocabularyOf(vocabulary, target)
  const isTrimmed = coveredIds && coveredIds.length < config.vocabularySize
  if (embedding && embedding.length !== config.vocabularySize * config.hiddenSize)
    throw invalid(
      `the embedding has ${embedding.length} numbers; ${config.vocabularySize} rows of ${config.hiddenSize} are needed`,
    )
  const model = Decoder.initialize(device, { ...config, ...(isTrimmed && { coveredIds }) }, { seed })
  if (embedding) beginAs(embedding, model)
  return pretrainedModel(model, {
    tokenizer: target.tokenizer,
    ...(target.chatTemplate ? { chatTemplate: target.chatTemplate } : {}),
    generationConfig: target.generationConfig,
    source: `draft for ${target.source}`,
  })
}

function beginAs(rows: Float32Array, { parameters, config }: Decoder): void {
  const { hiddenSize, coveredIds, tieWordEmbeddings } = config
  parameters['model.embed_tokens.weight']!.write(rows)
  if (tieWordEmbeddings) return
  const row = (id: number) => rows.subarray(id * hiddenSize, (id + 1) * hiddenSize)
  const head = new Float32Array((coveredIds?.length ?? config.vocabularySize) * hiddenSize)
  if (coveredIds) for (const [at, id] of coveredIds.entries()) head.set(row(id), at * hiddenSize)
  else head.set(rows)
  parameters['lm_head.weight']!.write(head)
}

/** The configuration of such a draft. */
export function draftConfig(target: ModelConfig, options: DraftOptions): ModelConfig {
  const { layers, hiddenSize } = options
  const heads = options.heads ?? defaultHeads(target, hiddenSize)
  const kvHeads = options.kvHeads ?? heads
  const intermediateSize = options.intermediateSize ?? Math.ceil((hiddenSize * 2.75) / 32) * 32
  for (const [name, value] of Object.entries({ layers, hiddenSize, heads, kvHeads, intermediateSize }))
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${name} is ${value}; it must be a positive integer`)
  const beyond = oversized({ layers, hiddenSize, heads, kvHeads, intermediateSize })
  if (beyond) throw invalid(`${beyond} is beyond the largest that is made, ${sizeLimits[beyond]}`)
  if (hiddenSize % (4 * heads) !== 0)
    throw invalid(`hiddenSize ${hiddenSize} does not divide into ${heads} heads of a width that is a multiple of 4`)
  if (heads % kvHeads !== 0) throw invalid(`${heads} heads cannot share ${kvHeads} key and value heads evenly`)
  const { vocabularySize, contextLength, ropeTheta, rmsNormEpsilon, bosTokenId, eosTokenIds, padTokenId } = target
  return {
    architecture: 'llama',
    vocabularySize,
    contextLength,
    ropeTheta,
    rmsNormEpsilon,
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds,
    ...(padTokenId === undefined ? {} : { padTokenId }),
    layers,
    hiddenSize,
    intermediateSize,
    heads,
    kvHeads,
    headDim: hiddenSize / heads,
    tieWordEmbeddings: options.tieWordEmbeddings ?? target.tieWordEmbeddings,
    initializerRange: smallInit(hiddenSize),
  }
}

/** "Small init" (Nguyen & Salazar 2019, arXiv 1910.05895): the customary 0.02 at a width of 1024, and more below it. */
export const smallInit = (hiddenSize: number): number => Math.sqrt(2 / (5 * hiddenSize))

function defaultHeads(target: ModelConfig, hiddenSize: number): number {
  if (hiddenSize % target.headDim === 0) return hiddenSize / target.headDim
  let width = 2 ** Math.floor(Math.log2(target.headDim))
  while (width > 4 && hiddenSize % width !== 0) width /= 2
  return hiddenSize / width
}

const invalid = (what: string) =>
  new OutriderError('INVALID_ARGUMENT', `createDraft: ${what}.`, {
    remedy: 'For one: { layers: 4, hiddenSize: 1024, heads: 8 }.',
  })
