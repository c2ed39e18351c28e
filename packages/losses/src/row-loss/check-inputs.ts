import { type DType, OutriderError, ShapeError, type Tensor } from '@outrider/tensor'
import type { DistillationInputs } from '../distillation-loss'

/** What a loss asks of its inputs. */
export interface InputNeeds {
  target: boolean
  labels: boolean
  /** Statistics are pooled over sequences, so rows must be whole sequences. */
  sequences: boolean
}

/** Throws for inputs that a row loss cannot be computed from, before anything is allocated. */
export function checkInputs(name: string, inputs: DistillationInputs, needs: InputNeeds): void {
  const { targetLogits, labels, sequenceLength } = inputs
  const refuse = (what: string) => new OutriderError('INVALID_ARGUMENT', `Loss ${name} ${what}`)
  if (needs.target && !targetLogits) throw refuse("needs the target's logits.")
  if (needs.labels && !labels) throw refuse('needs labels.')
  checkLogits(name, inputs)
  const [rows] = inputs.draftLogits.shape as [number]
  checkPerRow(name, inputs, 'labels', 'u32')
  checkPerRow(name, inputs, 'mask', 'f32')
  if (sequenceLength === undefined) return
  if (!(Number.isInteger(sequenceLength) && sequenceLength > 0))
    throw refuse(`needs a sequence length of 1 or more, not ${sequenceLength}.`)
  if (needs.sequences && rows % sequenceLength !== 0)
    throw new ShapeError(
      name,
      [inputs.draftLogits.shape],
      `rows must be a multiple of the sequence length ${sequenceLength}`,
    )
}

/** Throws unless the logits are f32 [rows, vocabulary] with the same rows, and the vocabulary is within both. */
export function checkLogits(
  name: string,
  { draftLogits, targetLogits, vocabularySize }: Pick<DistillationInputs, LogitsKeys>,
): void {
  const logits = targetLogits ? [draftLogits, targetLogits] : [draftLogits]
  const shapes = logits.map(({ shape }) => shape)
  if (shapes.some((shape) => shape.length !== 2))
    throw new ShapeError(name, shapes, 'logits must be [rows, vocabulary]')
  if (shapes.some(([rows]) => rows !== shapes[0]![0]))
    throw new ShapeError(name, shapes, 'draft and target need the same rows')
  for (const [i, tensor] of logits.entries()) checkDtype(name, `${i === 0 ? 'draft' : 'target'} logits`, tensor, 'f32')
  const columns = Math.min(...shapes.map((shape) => shape[1]!))
  if (vocabularySize === undefined) return
  if (!(Number.isInteger(vocabularySize) && vocabularySize > 0 && vocabularySize <= columns))
    throw new ShapeError(name, shapes, `a vocabulary of ${vocabularySize} is not within both`)
}

type LogitsKeys = 'draftLogits' | 'targetLogits' | 'vocabularySize'

function checkPerRow(name: string, inputs: DistillationInputs, key: 'labels' | 'mask', dtype: DType): void {
  const tensor = inputs[key]
  if (!tensor) return
  const { shape } = inputs.draftLogits
  if (tensor.size !== shape[0]) throw new ShapeError(name, [shape, tensor.shape], `${key} must be one a row`)
  checkDtype(name, key, tensor, dtype)
}

function checkDtype(name: string, what: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype !== dtype)
    throw new OutriderError('DTYPE_MISMATCH', `Loss ${name}: the ${what} are ${tensor.dtype}.`, {
      remedy: `cast(x, '${dtype}') first.`,
    })
}
