import type { DraftOptions, ModelConfig } from '@outrider/transformer'

/** What a draft is made of. */
export interface DraftShape {
  layers: number
  hiddenSize: number
  heads: number
  intermediateSize: number
  /** Ids that it can say; null for all of the target's. */
  vocabulary: number | null
}

/**
 * Shapes of draft that are worth a look for a target, the cheapest first. After little training all shapes predict about
 * equally well, so that what a step costs decides: two layers of 128, whose head says the 8,192 ids that are said most. A
 * small target gets a narrower one, and one with a small vocabulary keeps all of it.
 */
export function candidateShapes(target: ModelConfig): DraftShape[] {
  const narrow = Math.min(128, Math.max(16, Math.floor(target.hiddenSize / 2 / 16) * 16))
  const vocabulary =
    target.vocabularySize > 2 * usualIds ? usualIds : target.vocabularySize > usualIds ? usualIds / 2 : null
  const shape = (layers: number, hiddenSize: number): DraftShape => ({
    layers,
    hiddenSize,
    heads: hiddenSize % 32 === 0 ? hiddenSize / 32 : hiddenSize / 16,
    intermediateSize: 3 * hiddenSize,
    vocabulary,
  })
  const shapes = [shape(target.layers > 4 ? 2 : 1, narrow)]
  if (2 * narrow < target.hiddenSize) {
    if (target.layers > 4) shapes.push(shape(2, 2 * narrow))
    if (target.layers > 12) shapes.push(shape(4, 2 * narrow))
  }
  return shapes
}

const usualIds = 8192

/** What `createDraft` is given for a shape: a head of its own, which begins as the embedding does. */
export const shapeOptions = ({ layers, hiddenSize, heads, intermediateSize }: DraftShape): DraftOptions => ({
  layers,
  hiddenSize,
  heads,
  intermediateSize,
  tieWordEmbeddings: false,
})

/** `2 layers of 128, of 8192 ids`. */
export const shapeName = ({ layers, hiddenSize, vocabulary }: DraftShape): string =>
  `${layers} ${layers === 1 ? 'layer' : 'layers'} of ${hiddenSize}, of ${vocabulary ?? 'all'} ids`
