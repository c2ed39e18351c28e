import { checkTypes } from '../layer-windows'
import type { ModelConfig } from '../model-config'
import type { ModelFamily } from './family'

/** A Llama with a scale wherever one can be. Granite Team 2024, Granite 3.0 Language Models. */
export const granite: ModelFamily = {
  modelType: 'granite',
  className: 'GraniteForCausalLM',
  baseClassName: 'GraniteModel',
  examples: 'Granite 3',
  defaults: { bosTokenId: 1, eosTokenId: 2 },
  usedKeys: [
    ...['attention_bias', 'mlp_bias'],
    ...['attention_multiplier', 'embedding_multiplier', 'residual_multiplier', 'logits_scaling'],
  ],
  read(fields, layers) {
    checkTypes(fields, layers, undefined)
    return {
      ...(fields.flag('attention_bias', false) && { attentionBias: 'all' as const }),
      ...(fields.flag('mlp_bias', false) && { mlpBias: true }),
      // 1 where the file does not say, not 1 / √headDim.
      attentionScale: fields.positive('attention_multiplier', 1),
      ...scales({
        embedding: fields.positive('embedding_multiplier', 1),
        residual: fields.positive('residual_multiplier', 1),
        divisor: fields.positive('logits_scaling', 1),
      }),
    }
  },
  write: (config) => ({
    attention_bias: config.attentionBias === 'all',
    mlp_bias: config.mlpBias ?? false,
    attention_multiplier: attentionScale(config),
    embedding_multiplier: config.embeddingScale ?? 1,
    residual_multiplier: config.residualScale ?? 1,
    logits_scaling: divisorOfLogits(config),
  }),
  gguf: {
    architecture: 'granite',
    interleaved: true,
    computes: [
      ...(['attentionBias', 'mlpBias', 'ropeScaling'] as const),
      ...(['attentionScale', 'embeddingScale', 'residualScale', 'logitScale'] as const),
    ],
    ropeScaling: ['linear', 'llama3'],
    usedKeys: ['attention.scale', 'embedding_scale', 'residual_scale', 'logit_scale', 'rope.scaling.finetuned'],
    read(fields) {
      fields.only('attention.sliding_window', 0)
      // Elsewhere a note; here llama.cpp turns nothing where it is false.
      fields.only('rope.scaling.finetuned', true)
      // 0 is as good as absent there.
      const scale = (key: string) => (fields.get(key) === 0 ? 1 : fields.number(key, 1))
      return {
        ...(fields.get('attention.scale') && { attentionScale: fields.number('attention.scale') }),
        ...scales({
          embedding: scale('embedding_scale'),
          residual: scale('residual_scale'),
          divisor: fields.number('logit_scale'),
        }),
      }
    },
    write: (config) => ({
      'attention.scale': { type: 'f32', value: attentionScale(config) },
      embedding_scale: { type: 'f32', value: config.embeddingScale ?? 1 },
      residual_scale: { type: 'f32', value: config.residualScale ?? 1 },
      logit_scale: { type: 'f32', value: divisorOfLogits(config) },
    }),
  },
}

/** What is other than 1 of what embeddings and blocks are multiplied by and logits are divided by. */
const scales = ({ embedding, residual, divisor }: Record<'embedding' | 'residual' | 'divisor', number>) => ({
  ...(embedding !== 1 && { embeddingScale: embedding }),
  ...(residual !== 1 && { residualScale: residual }),
  ...(divisor !== 1 && { logitScale: 1 / divisor }),
})

const attentionScale = ({ attentionScale, headDim }: ModelConfig): number => attentionScale ?? 1 / Math.sqrt(headDim)

/** In fifteen digits, which give back the divisor that was read. */
const divisorOfLogits = ({ logitScale = 1 }: ModelConfig): number => Number((1 / logitScale).toPrecision(15))
