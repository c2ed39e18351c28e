import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import type { ModelFacts } from './data'

/** What a report tells of a model. */
export const modelFacts = (
  name: string,
  role: string,
  { model }: Pick<PretrainedModel<CausalLM>, 'model'>,
): ModelFacts => ({
  name,
  role,
  parameters: model.parameterCount,
  shape: shapeText(model.config),
})

/** What a shape is told of; a model that has no layers has no number of them. */
type Shape = CausalLM['config'] & Partial<Pick<PretrainedModel['config'], 'layers' | 'hiddenSize' | 'coveredIds'>>

/** `6 layers of 96, vocabulary 464`. */
export function shapeText({ layers, hiddenSize, vocabularySize, coveredIds }: Shape): string {
  const vocabulary = `vocabulary ${vocabularySize}${coveredIds ? `, of which it says ${coveredIds.length}` : ''}`
  if (layers === undefined) return vocabulary
  return `${layers} ${layers === 1 ? 'layer' : 'layers'} of ${hiddenSize}, ${vocabulary}`
}
