import { writeRopeScaling } from '../write-rope'
import { ggufWindowKeys, readGgufWindows, writeGgufWindows } from './alternating-windows'
import type { ModelFamily } from './family'
import { gemma, impliedByGemma, readGemma, writeGemma } from './gemma'

const period = 6

/** A Gemma with a window in five of six layers, which have rotary positions of their own. Gemma Team 2025, arXiv 2503.19786. */
export const gemma3: ModelFamily = {
  ...gemma,
  modelType: 'gemma3_text',
  className: 'Gemma3ForCausalLM',
  baseClassName: 'Gemma3TextModel',
  examples: 'Gemma 3 (text)',
  defaults: { ...gemma.defaults, contextLength: 131_072 },
  rotary: {
    sliding: { ropeTheta: 1_000_000, slidingRopeTheta: 10_000, slidingRopeThetaKey: 'rope_local_base_freq' },
  },
  usedKeys: [...gemma.usedKeys, 'rope_local_base_freq', 'sliding_window_pattern', '_sliding_window_pattern'],
  read(fields, layers) {
    const said = fields.count('sliding_window_pattern', period)
    // transformers writes what it read under the other name, and does not read it again.
    if (!layers.layerTypes && fields.count('_sliding_window_pattern', said) !== said)
      throw fields.wrong('_sliding_window_pattern', `${said}, as long as layer_types is not there`)
    return { qkNorm: 'head', ...readGemma(fields, layers, { period: said }) }
  },
  write: (config) => ({
    // For readers of before `rope_parameters`.
    rope_local_base_freq: (config.slidingRope ?? config).ropeTheta,
    rope_scaling: writeRopeScaling(config.ropeScaling),
    ...writeGemma(config),
  }),
  gguf: {
    architecture: 'gemma3',
    interleaved: false,
    computes: ['slidingWindow', 'layerTypes', 'slidingRope', 'logitSoftCap', 'ropeScaling'],
    implies: (sizes) => ({ ...impliedByGemma(sizes, 62), qkNorm: 'head' }),
    ropeScaling: ['linear'],
    usedKeys: ['final_logit_softcapping', 'rope.freq_base_swa', ...ggufWindowKeys],
    read(fields) {
      const hasCap = (fields.get('final_logit_softcapping') ?? 0) !== 0
      return {
        ...(hasCap && { logitSoftCap: fields.number('final_logit_softcapping') }),
        slidingRope: { ropeTheta: fields.number('rope.freq_base_swa', 10_000) },
        ...readGgufWindows(fields, { period }),
      }
    },
    write(config, refuse) {
      const { logitSoftCap, slidingRope = config } = config
      if (slidingRope.ropeScaling) throw refuse('rotary scaling in layers with a window')
      return {
        ...(logitSoftCap !== undefined && { final_logit_softcapping: { type: 'f32', value: logitSoftCap } }),
        'rope.freq_base_swa': { type: 'f32', value: slidingRope.ropeTheta },
        ...writeGgufWindows(config, period, refuse),
      }
    },
  },
}
