import type { ModelConfig } from '../config/index'
import { ropeOfLayer, windowOfLayer } from '../config/index'
import type { AttentionBlock, Layer, MlpBlock, ModelDescription, Norm, Projection } from './layer'

const embeddingWeight = 'model.embed_tokens.weight'

const descriptions = new WeakMap<ModelConfig, ModelDescription>()

/** The model that a configuration is of, with the parameter names of Hugging Face. */
export function describeModel(config: ModelConfig): ModelDescription {
  let description = descriptions.get(config)
  if (!description) {
    description = describe(config)
    descriptions.set(config, description)
  }
  return description
}

function describe(config: ModelConfig): ModelDescription {
  const { vocabularySize: rows, hiddenSize: columns, tieWordEmbeddings, coveredIds, logitSoftCap } = config
  return {
    embedding: { weight: embeddingWeight, rows, columns, scale: config.embeddingScale ?? 1 },
    layers: Array.from({ length: config.layers }, (_, layer) => describeLayer(config, layer)),
    norm: norm(config, 'model.norm', columns),
    head: {
      ...(tieWordEmbeddings
        ? { weight: embeddingWeight, rows }
        : { weight: 'lm_head.weight', rows: coveredIds?.length ?? rows }),
      columns,
      scale: config.logitScale ?? 1,
      ...(logitSoftCap !== undefined && { softCap: logitSoftCap }),
    },
  }
}

function describeLayer(config: ModelConfig, layer: number): Layer {
  const { hiddenSize, normPlacement = 'before' } = config
  const placed = (part: string) => norm(config, `model.layers.${layer}.${part}`, hiddenSize)
  const around = normNames[normPlacement]
  const block = ({ before, after }: { before?: string; after?: string }) => ({
    ...(before && { before: placed(before) }),
    ...(after && { after: placed(after) }),
  })
  return {
    attention: { ...block(around.attention), ...attention(config, layer) },
    mlp: { ...block(around.mlp), ...mlp(config, layer) },
    residualScale: config.residualScale ?? 1,
  }
}

/** What Hugging Face calls the norms. `post_attention_layernorm` is before the MLP in most, and after attention in the others. */
const normNames: Record<
  NonNullable<ModelConfig['normPlacement']>,
  Record<'attention' | 'mlp', { before?: string; after?: string }>
> = {
  before: { attention: { before: 'input_layernorm' }, mlp: { before: 'post_attention_layernorm' } },
  after: { attention: { after: 'post_attention_layernorm' }, mlp: { after: 'post_feedforward_layernorm' } },
  around: {
    attention: { before: 'input_layernorm', after: 'post_attention_layernorm' },
    mlp: { before: 'pre_feedforward_layernorm', after: 'post_feedforward_layernorm' },
  },
}

function attention(config: ModelConfig, layer: number): AttentionBlock {
  const { hiddenSize, heads, kvHeads, headDim, attentionBias, qkNorm, attentionSoftCap } = config
  const prefix = `model.layers.${layer}.self_attn`
  const [queries, keys] = [heads * headDim, kvHeads * headDim]
  const input = (part: string, rows: number) =>
    projection(`${prefix}.${part}`, [rows, hiddenSize], attentionBias !== undefined)
  const rope = ropeOfLayer(config, layer)
  const window = windowOfLayer(config, layer)
  return {
    q: input('q_proj', queries),
    k: input('k_proj', keys),
    v: input('v_proj', keys),
    output: projection(`${prefix}.o_proj`, [hiddenSize, queries], attentionBias === 'all'),
    heads,
    kvHeads,
    headDim,
    ...(qkNorm && {
      qNorm: norm(config, `${prefix}.q_norm`, qkNorm === 'head' ? headDim : queries),
      kNorm: norm(config, `${prefix}.k_norm`, qkNorm === 'head' ? headDim : keys),
    }),
    ...(rope && { rope }),
    ...(window !== undefined && { window }),
    scale: config.attentionScale ?? 1 / Math.sqrt(headDim),
    ...(attentionSoftCap !== undefined && { softCap: attentionSoftCap }),
  }
}

function mlp(
  { hiddenSize, intermediateSize, mlpBias = false, activation = 'silu' }: ModelConfig,
  layer: number,
): MlpBlock {
  const part = (name: string, shape: [rows: number, columns: number]) =>
    projection(`model.layers.${layer}.mlp.${name}`, shape, mlpBias)
  return {
    gate: part('gate_proj', [intermediateSize, hiddenSize]),
    up: part('up_proj', [intermediateSize, hiddenSize]),
    down: part('down_proj', [hiddenSize, intermediateSize]),
    activation,
  }
}

const norm = ({ rmsNormEpsilon, normOffset = 0 }: ModelConfig, name: string, size: number): Norm => ({
  weight: `${name}.weight`,
  size,
  epsilon: rmsNormEpsilon,
  offset: normOffset,
})

const projection = (name: string, [rows, columns]: [number, number], biased: boolean): Projection => ({
  weight: `${name}.weight`,
  ...(biased && { bias: `${name}.bias` }),
  rows,
  columns,
})
