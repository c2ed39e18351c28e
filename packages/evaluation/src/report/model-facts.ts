import { type PretrainedModel, parameterCount } from '@outrider/transformer'
import type { ModelFacts } from './data'

/** What a report tells of a model. */
export const modelFacts = (name: string, role: string, { config }: PretrainedModel): ModelFacts => ({
  name,
  role,
  parameters: parameterCount(config),
  shape: shapeText(config),
})

/** `6 layers of 96, vocabulary 464`. */
export const shapeText = ({ layers, hiddenSize, vocabularySize, coveredIds }: PretrainedModel['config']): string =>
  `${layers} ${layers === 1 ? 'layer' : 'layers'} of ${hiddenSize}, vocabulary ${vocabularySize}${coveredIds ? `, of which it says ${coveredIds.length}` : ''}`
