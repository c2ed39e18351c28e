import { Decoder, type PretrainedModel, pretrainedModel } from '@outrider/transformer'

/** A copy of a model as it is between two steps of its training. The caller disposes of it. */
export function snapshotOf(pretrained: PretrainedModel): PretrainedModel {
  const { model, config, tokenizer, chatTemplate, generationConfig, source } = pretrained
  const { device } = model
  const parameters = Object.fromEntries(
    Object.entries(model.parameters).map(([name, tensor]) => {
      const copy = device.empty(tensor.shape, tensor.dtype)
      device.copy(tensor, 0, copy, 0, tensor.size)
      return [name, copy]
    }),
  )
  return pretrainedModel(new Decoder(device, config, parameters), {
    tokenizer,
    ...(chatTemplate && { chatTemplate }),
    generationConfig,
    source,
  })
}
