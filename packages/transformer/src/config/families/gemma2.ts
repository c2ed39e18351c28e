import { ggufWindowKeys, readGgufWindows, writeGgufWindows } from './alternating-windows'
import type { ModelFamily } from './family'
import { gemma, impliedByGemma, readCap, readGemma, writeGemma } from './gemma'

const period = 2

/** A window in every other layer, norms around the blocks, capped scores and logits. Gemma Team 2024, arXiv 2408.00118. */
export const gemma2: ModelFamily = {
  ...gemma,
  modelType: 'gemma2',
  className: 'Gemma2ForCausalLM',
  baseClassName: 'Gemma2Model',
  examples: 'Gemma 2',
  defaults: { ...gemma.defaults, contextLength: 8192 },
  usedKeys: [...gemma.usedKeys, 'attn_logit_softcapping'],
  read(fields, layers) {
    const attentionSoftCap = readCap(fields, 'attn_logit_softcapping', 50)
    const capped = attentionSoftCap === undefined ? {} : { attentionSoftCap }
    return { ...capped, ...readGemma(fields, layers, { period, logitSoftCap: 30 }) }
  },
  write: (config) => ({ attn_logit_softcapping: config.attentionSoftCap ?? null, ...writeGemma(config) }),
  gguf: {
    architecture: 'gemma2',
    interleaved: false,
    computes: ['slidingWindow', 'layerTypes', 'attentionSoftCap', 'logitSoftCap', 'ropeScaling'],
    implies: (sizes) => ({ ...impliedByGemma(sizes, 46), tieWordEmbeddings: true }),
    ropeScaling: ['linear'],
    usedKeys: ['attn_logit_softcapping', 'final_logit_softcapping', ...ggufWindowKeys],
    read: (fields) => ({
      attentionSoftCap: fields.number('attn_logit_softcapping', 50),
      logitSoftCap: fields.number('final_logit_softcapping', 30),
      ...readGgufWindows(fields, { period, fallback: 4096 }),
    }),
    write(config, refuse) {
      const { attentionSoftCap, logitSoftCap } = config
      if (!attentionSoftCap || !logitSoftCap) throw refuse('attention or head without a soft-cap')
      return {
        attn_logit_softcapping: { type: 'f32', value: attentionSoftCap },
        final_logit_softcapping: { type: 'f32', value: logitSoftCap },
        ...writeGgufWindows(config, period, refuse),
      }
    },
  },
}
