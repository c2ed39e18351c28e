import { concat, slice } from '@outrider/tensor'
import { Decoder, type ModelConfig, type PretrainedModel, pretrainedModel } from '@outrider/transformer'

/**
 * A model as a parallel draft that nobody has trained: its own weights, and behind the embedding's rows one more, a copy of another,
 * for what is not drafted yet. Only that embedding is new memory, and freed with it.
 */
export function asParallelDraft(
  { model, config, ...rest }: PretrainedModel,
  { maskLike = 3, ...fields }: Partial<ModelConfig> & { maskLike?: number } = {},
): PretrainedModel {
  const { device, parameters } = model
  const { vocabularySize } = config
  const table = ['model.embed_tokens.weight', 'lm_head.weight'].filter((name) => parameters[name])
  const longer = table.map((name) => {
    const rows = parameters[name]!
    const more = device.scope(() => concat([rows, slice(rows, { start: maskLike, count: 1 })]))
    return [name, more.keep()] as const
  })
  const changed = { ...config, ...fields, vocabularySize: vocabularySize + 1, maskTokenId: vocabularySize }
  const draft = new Decoder(device, changed, { ...parameters, ...Object.fromEntries(longer) })
  const made = pretrainedModel(draft, { ...rest, source: 'parallel' })
  return { ...made, dispose: () => longer.forEach(([, rows]) => void rows.dispose()) }
}
