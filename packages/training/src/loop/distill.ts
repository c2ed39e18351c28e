import type { Batch, BatchStream, DataSource, Mixture } from '@outrider/dataset'
import { type DistillationLoss, distillationLossOfHeads, labelCrossEntropy, pooledSumsOfHeads } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import {
  type CausalLM,
  compareVocabularies,
  type ModelParameters,
  type PretrainedModel,
  type TrainableLM,
  type TrainingPassOptions,
} from '@outrider/transformer'
import { type OnPolicyOptions, onPolicy } from '../on-policy/on-policy'
import type { ParallelOptions } from '../parallel/options'
import { parallelDistillation } from '../parallel/parallel-distillation'
import { isRowLoss, readingOf } from '../states/read-positions'
import { TargetStates, type TargetStatesOptions } from '../states/target-states'
import type { TopTokenTarget } from '../states/top-token-states'
import { topTokenDistillation } from './distill-from-shards'
import { headInputs, ofAllPositions, type ReadHeads } from './head'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import { type TrainingOptions, type TrainingResult, train } from './train'

export interface DistillationOptions extends TrainingOptions, BatchSettings {
  draft: PretrainedModel<TrainableLM>
  /**
   * The model whose distribution the draft learns. It is not changed. Of one that shows hidden states and a head
   * (`HiddenStatesLM`) logits are made a few rows at a time; of any other those of a whole batch are held. Or one that is elsewhere, of
   * which shards say what it thinks of the rows: without `targetStates`, `onPolicy` and `parallel`, which need it here.
   */
  target: PretrainedModel<CausalLM> | TopTokenTarget
  /** Conversations to learn, as a source, a mixture of sources (`mix`), or batches that the program makes itself. */
  data: DataSource | Mixture | BatchStream
  loss: DistillationLoss
  /**
   * Where what the target says of a row is kept: in how much memory, and in which directory. Give several runs on the same data one
   * `TargetStates`. Default: 512 MiB of the device's memory, for this run.
   */
  targetStates?: TargetStates | TargetStatesOptions | undefined
  /**
   * A share of the batches whose answers the draft draws itself, from the rows' prompts, as it is at that step (DistillSpec). What the
   * target says of them is asked for each time, so that such a step costs a pass of the target and one of the draft a token. A loss
   * that reads labels is given what was drawn. Default: none.
   */
  onPolicy?: OnPolicyOptions | undefined
  /**
   * Adapts the draft to propose several tokens in one pass (PARD): it learns, beside the text, from masks behind places of it. Its
   * configuration names the mask (`parallelDraft` of `@outrider/transformer`), and the loss is a row loss. Default: it stays one that
   * drafts a token at a time.
   */
  parallel?: ParallelOptions | undefined
}

/** How the draft and the target are computed. */
export interface DistillationSettings extends TrainingPassOptions, Pick<DistillationOptions, 'onPolicy' | 'parallel'> {
  /** Default: nothing is kept beyond a step. */
  targetStates?: TargetStates | undefined
}

/**
 * White-box distillation: the loss between the draft's distribution p and the target's q at every position that counts. Both heads
 * are computed for these positions alone, where the loss is a row loss.
 */
export function distillation(
  draft: PretrainedModel<TrainableLM>,
  target: PretrainedModel<CausalLM>,
  loss: DistillationLoss,
  {
    targetStates = new TargetStates({ memoryBytes: 0 }),
    onPolicy: drawing,
    parallel,
    ...options
  }: DistillationSettings = {},
): Objective {
  const reading = readingOf(loss)
  const heads = (parameters: ModelParameters) => ({
    draft: { model: draft.model, parameters, options },
    target: { model: target, states: targetStates },
    reading,
  })
  const inputs = (parameters: ModelParameters, batch: DeviceBatch): ReadHeads => headInputs(heads(parameters), batch)
  const { hiddenStates } = targetStates
  const drawn = drawing && onPolicy(draft, drawing)
  const shared = {
    name: `distill ${loss.name}`,
    ...(isRowLoss(loss) && { definition: loss.terms }),
    target,
    ...drawn,
    ...(hiddenStates && { settings: { ...drawn?.settings, hidden_states: hiddenStates.identity } }),
    prepare: (batches: readonly Batch[]) => targetStates.hold(target, batches, reading),
  }
  if (parallel) {
    const { settings, ...masked } = parallelDistillation(loss, heads, draft.model, parallel)
    return { ...shared, ...masked, settings: { ...shared.settings, ...settings } }
  }
  return {
    ...shared,
    loss(parameters, batch) {
      const { value, acceptanceRate, statistics } = distillationLossOfHeads(loss, inputs(parameters, batch))
      return { value, aux: acceptanceRate ? { ...statistics, acceptance_rate: acceptanceRate } : statistics }
    },
    ...(loss.pool && { pool: (parameters, batch) => pooledSumsOfHeads(loss, inputs(parameters, batch))! }),
    measure(parameters, batch) {
      const heads = inputs(parameters, batch)
      return ofAllPositions(labelCrossEntropy.rows(heads), batch, heads.numbers)
    },
  }
}

/**
 * Fine-tunes the draft, in place, towards the target's distribution on `data` (the paper: the target's own answers mixed
 * 9 : 1 with pretraining text).
 *
 * @throws OutriderError VOCABULARY_MISMATCH where the two have different tokenizers; INVALID_ARGUMENT for rows beyond the
 *   context of either, a row that shards do not have, a share of on-policy batches outside 0 to 1, or a parallel draft that cannot be; UNSUPPORTED for
 *   what shards cannot be asked
 */
export async function distill({
  draft,
  target,
  data,
  loss,
  targetStates: given = {},
  onPolicy: drawing,
  parallel,
  ...options
}: DistillationOptions): Promise<TrainingResult> {
  compareVocabularies(target, draft)
  if ('kind' in target) {
    assertOfShards({ drawing, parallel })
    const objective = topTokenDistillation(draft, target, loss, options)
    const stream = await streamOf({ data, speaker: target, models: { target, draft } }, options)
    return train(draft, objective, stream, options)
  }
  const targetStates = given instanceof TargetStates ? given : new TargetStates(given)
  try {
    const onPolicy = drawing && { ...drawing, seed: drawing.seed ?? options.seed }
    const masked = parallel && { ...parallel, seed: parallel.seed ?? options.seed }
    const objective = distillation(draft, target, loss, { ...options, targetStates, onPolicy, parallel: masked })
    const stream = await streamOf({ data, speaker: target, models: { target, draft } }, options)
    return await train(draft, objective, stream, options)
  } finally {
    await targetStates.flush()
    if (targetStates !== given) targetStates.dispose()
  }
}

/** What asks the target for more than it said of the rows. */
function assertOfShards({ drawing, parallel }: { drawing: unknown; parallel: unknown }): void {
  const what = drawing ? 'Answers that the draft draws itself (onPolicy)' : parallel ? 'A parallel draft' : undefined
  if (what === undefined) return
  throw new OutriderError(
    'UNSUPPORTED',
    `${what} cannot be learned from shards: what the target says of them is not there.`,
    {
      remedy: 'Have the target in memory, or leave it out.',
    },
  )
}
