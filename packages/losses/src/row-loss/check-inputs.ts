import { type DType, type Head, OutriderError, type Shape, ShapeError, type Tensor } from '@outrider/tensor'
import type { DistillationInputs, HeadInputs, HeadStates, TargetOutputs, TopTokens } from '../distillation-loss'

/** What a loss asks of its inputs. */
export interface InputNeeds {
  target: boolean
  labels: boolean
  /** Statistics are pooled over sequences, so rows must be whole sequences. */
  sequences: boolean
  /** Elements of what it pools over a step; 0 where it pools nothing. */
  pooled: number
}

/** Throws for inputs that a row loss cannot be computed from, before anything is allocated. */
export function checkInputs(name: string, inputs: DistillationInputs, needs: InputNeeds): void {
  checkNeeds(name, inputs, needs)
  checkLogits(name, inputs)
  checkRows(name, inputs.draftLogits.shape, inputs, needs)
}

/** The same for hidden states and heads. */
export function checkHeadInputs(name: string, inputs: HeadInputs, needs: InputNeeds): void {
  const { draft, target, vocabularySize, chunkRows } = inputs
  const told = target && ('logits' in target ? target.logits : 'ids' in target ? target.ids : target.hidden)
  checkNeeds(name, { ...inputs, targetLogits: told }, needs)
  checkStates(name, draft, ['f32', 'f16'])
  if (target) checkTarget(name, target, draft)
  if (target && 'ids' in target && needs.labels)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `Loss ${name} reads labels, and a label may be none of the k tokens of a target that is known by these.`,
      {
        remedy: 'Leave the part out that reads labels, or the target.',
      },
    )
  if (told && told.shape[0] !== draft.hidden.shape[0])
    throw new ShapeError(name, [draft.hidden.shape, told.shape], 'draft and target need the same rows')
  checkVocabulary(
    name,
    [draft.head.weight.shape, ...(told ? ['head' in target! ? target.head.weight.shape : told.shape] : [])],
    [columnsOf(draft), ...(target && !('ids' in target) ? [columnsOf(target)] : [])],
    vocabularySize,
  )
  if (chunkRows !== undefined && !(Number.isInteger(chunkRows) && chunkRows > 0))
    throw new OutriderError('INVALID_ARGUMENT', `Loss ${name}: chunkRows must be 1 or more, not ${chunkRows}.`)
  checkRows(name, draft.hidden.shape, inputs, needs)
}

/** Ids that logits are of. */
const columnsOf = (states: Exclude<TargetOutputs, TopTokens>): number =>
  'logits' in states ? states.logits.shape[1]! : (states.head.covered?.vocabularySize ?? states.head.weight.shape[0]!)

function checkTarget(name: string, target: TargetOutputs, draft: HeadStates): void {
  if ('ids' in target) {
    checkTopTokens(name, target)
    return
  }
  if ('logits' in target) {
    if (target.logits.shape.length !== 2)
      throw new ShapeError(name, [target.logits.shape], 'logits must be [rows, vocabulary]')
    checkDtype(name, 'target logits', target.logits, 'f32')
    return
  }
  checkStates(name, target, ['f32'])
  if ('logNormalizers' in target) checkPerRow(name, target.hidden.shape, target, 'logNormalizers', 'f32')
  if (target.head.covered?.ids === ('logNormalizers' in target ? draft.head.covered?.ids : undefined)) return
  throw new OutriderError('INVALID_ARGUMENT', `Loss ${name}: the target's head covers some of the vocabulary alone.`, {
    remedy: "Only a draft's head may; or the target's covers the ids of the draft's, and logNormalizers are given.",
  })
}

function checkTopTokens(name: string, { ids, logProbabilities, logRest }: TopTokens): void {
  const shapes = [ids.shape, logProbabilities.shape, logRest.shape]
  const [rows, k] = ids.shape
  if (ids.shape.length !== 2 || logProbabilities.shape.join() !== `${rows},${k}` || logRest.size !== rows)
    throw new ShapeError(name, shapes, 'k tokens a row must be ids and logProbabilities [rows, k] and logRest [rows]')
  checkDtype(name, 'ids', ids, 'u32')
  checkDtype(name, 'log-probabilities', logProbabilities, 'f32')
  checkDtype(name, 'log of the rest', logRest, 'f32')
}

function checkStates(name: string, { hidden, head }: HeadStates, dtypes: readonly DType[]): void {
  const shapes = [hidden.shape, head.weight.shape]
  if (shapes.some((shape) => shape.length !== 2) || shapes[0]![1] !== shapes[1]![1])
    throw new ShapeError(name, shapes, 'a head must be hidden [rows, hiddenSize] and weight [vocabulary, hiddenSize]')
  if (!dtypes.includes(hidden.dtype)) checkDtype(name, 'hidden states', hidden, 'f32')
  checkHead(name, head)
}

function checkHead(name: string, { weight, bias, covered }: Head): void {
  const rows = weight.shape[0]!
  if (bias && bias.size !== rows) throw new ShapeError(name, [weight.shape, bias.shape], "a head's bias must be [rows]")
  if (!covered) return
  checkDtype(name, 'covered ids', covered.ids, 'u32')
  if (covered.ids.size !== rows || covered.vocabularySize < rows)
    throw new ShapeError(name, [weight.shape, covered.ids.shape], "a head's ids must be one a row, of the vocabulary")
}

type PerRow = Pick<DistillationInputs, 'labels' | 'mask' | 'sequenceLength' | 'pooled'>

function checkNeeds(
  name: string,
  { targetLogits, labels }: Pick<DistillationInputs, 'targetLogits' | 'labels'>,
  needs: InputNeeds,
): void {
  const refuse = (what: string) => new OutriderError('INVALID_ARGUMENT', `Loss ${name} ${what}`)
  if (needs.target && !targetLogits) throw refuse("needs the target's logits.")
  if (needs.labels && !labels) throw refuse('needs labels.')
}

function checkRows(name: string, shape: Shape, inputs: PerRow, needs: InputNeeds): void {
  const { sequenceLength } = inputs
  const rows = shape[0]!
  checkPerRow(name, shape, inputs, 'labels', 'u32')
  checkPerRow(name, shape, inputs, 'mask', 'f32')
  checkPooled(name, inputs.pooled, needs)
  if (sequenceLength === undefined) return
  if (!(Number.isInteger(sequenceLength) && sequenceLength > 0))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `Loss ${name} needs a sequence length of 1 or more, not ${sequenceLength}.`,
    )
  if (needs.sequences && rows % sequenceLength !== 0)
    throw new ShapeError(name, [shape], `rows must be a multiple of the sequence length ${sequenceLength}`)
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
  checkVocabulary(
    name,
    shapes,
    shapes.map((shape) => shape[1]!),
    vocabularySize,
  )
}

function checkVocabulary(
  name: string,
  shapes: readonly Shape[],
  columns: readonly number[],
  vocabularySize: number | undefined,
): void {
  if (vocabularySize === undefined) return
  if (!(Number.isInteger(vocabularySize) && vocabularySize > 0 && vocabularySize <= Math.min(...columns)))
    throw new ShapeError(name, shapes, `a vocabulary of ${vocabularySize} is not within both`)
}

type LogitsKeys = 'draftLogits' | 'targetLogits' | 'vocabularySize'

function checkPerRow<Key extends string>(
  name: string,
  shape: Shape,
  inputs: Partial<Record<Key, Tensor | undefined>>,
  key: Key,
  dtype: DType,
): void {
  const tensor = inputs[key]
  if (!tensor) return
  if (tensor.size !== shape[0]) throw new ShapeError(name, [shape, tensor.shape], `${key} must be one a row`)
  checkDtype(name, key, tensor, dtype)
}

function checkPooled(name: string, pooled: Tensor | undefined, needs: InputNeeds): void {
  if (!pooled) return
  if (needs.pooled === 0)
    throw new OutriderError('INVALID_ARGUMENT', `Loss ${name} pools nothing over a step.`, {
      remedy: 'Give it what pooledSums gives of this loss, which may be nothing.',
    })
  if (pooled.size !== needs.pooled)
    throw new ShapeError(name, [pooled.shape], `what it pools must be [${needs.pooled}], as pooledSums makes it`)
  checkDtype(name, 'pooled sums', pooled, 'f32')
}

function checkDtype(name: string, what: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype !== dtype)
    throw new OutriderError('DTYPE_MISMATCH', `Loss ${name}: the ${what} are ${tensor.dtype}.`, {
      remedy: `cast(x, '${dtype}') first.`,
    })
}
