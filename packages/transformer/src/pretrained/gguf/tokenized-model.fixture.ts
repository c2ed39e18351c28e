import { testDevice } from '@outrider/tensor/testing'
import { randomised } from '../../model/randomised.fixture'
import { stories } from '../../stories.fixture'
import type { Tokenizer } from '../../tokenizer/index'
import { type PretrainedModel, pretrainedModel } from '../pretrained-model'

/** A small model with random weights that has a tokenizer, and answers that end at its end token. */
export async function tokenizedModel(
  tokenizer: Tokenizer,
  { ends = [tokenizer.named.eos_token ?? ''], padding = 0 }: { ends?: readonly string[]; padding?: number } = {},
): Promise<PretrainedModel> {
  const base = await stories()
  const { bosTokenId: _, ...plain } = base.config
  const sizes = { hiddenSize: 32, intermediateSize: 32, layers: 1, heads: 2, kvHeads: 2, headDim: 16 }
  const vocabularySize = tokenizer.vocabularySize + padding
  const config = { ...plain, ...sizes, vocabularySize, tieWordEmbeddings: true, initializerRange: 0.3 }
  const eosTokenIds = ends.flatMap((piece) => tokenizer.tokenToId(piece) ?? [])
  return pretrainedModel(randomised(await testDevice(), config, 9), {
    tokenizer,
    generationConfig: { eosTokenIds },
    source: 'tokenized',
  })
}
