import {
  type DistillationLoss,
  distillationLossOfHeads,
  labelCrossEntropy,
  pooledSumsOfHeads,
  tvd,
} from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import type { ModelParameters, PretrainedModel, TrainableLM, TrainingPassOptions } from '@outrider/transformer'
import { isRowLoss, readingOf } from '../states/read-positions'
import { TopTokenStates, type TopTokenTarget } from '../states/top-token-states'
import { headInputs, hostOf, ofAllPositions, type ReadHeads } from './head'
import type { DeviceBatch, Objective } from './objective'

/**
 * Distillation from what a target said elsewhere: the row loss between p and q over k tokens and a bucket (`TopTokens` of
 * `@outrider/losses`) at every position that counts. α, in training and on held-out rows, is the upper bound that these give.
 *
 * @throws OutriderError INVALID_ARGUMENT for a loss that is no row loss, or reads labels
 */
export function topTokenDistillation(
  draft: PretrainedModel<TrainableLM>,
  target: TopTokenTarget,
  loss: DistillationLoss,
  options: TrainingPassOptions = {},
): Objective {
  if (!isRowLoss(loss) || loss.terms.some(({ definition }) => definition.needsLabels))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `Loss ${loss.name} cannot be computed from k tokens of the target a place.`,
      {
        remedy: 'Take a row loss that reads no labels, such as kld, tvd or tvd++; or have the target in memory.',
      },
    )
  const { shards, rest = 'bucket', temperature = 1, text } = target
  const states = new TopTokenStates(target, draft.config.coveredIds)
  const reading = readingOf(loss)
  const withoutTarget = (parameters: ModelParameters, batch: DeviceBatch): ReadHeads =>
    headInputs({ draft: { model: draft.model, parameters, options }, reading }, batch)
  const withTarget = (heads: ReadHeads, batch: DeviceBatch): ReadHeads => ({
    ...heads,
    target: states.of(draft.model.device, { ...hostOf(batch), labels: batch.labelIds }, heads.numbers),
  })
  const inputs = (parameters: ModelParameters, batch: DeviceBatch) =>
    withTarget(withoutTarget(parameters, batch), batch)
  return {
    name: `distill ${loss.name}`,
    definition: loss.terms,
    settings: {
      target_shards: {
        ...{ identity: shards.identity, target: shards.head.target, k: shards.head.k, rest, temperature },
        ...(text && { text }),
      },
    },
    isMeasured: true,
    prepare: (batches) => states.hold(batches),
    loss(parameters, batch) {
      const { value, acceptanceRate, statistics } = distillationLossOfHeads(loss, inputs(parameters, batch))
      return { value, aux: { ...statistics, acceptance_rate: acceptanceRate! } }
    },
    ...(loss.pool && { pool: (parameters, batch) => pooledSumsOfHeads(loss, inputs(parameters, batch))! }),
    measure(parameters, batch) {
      const heads = withoutTarget(parameters, batch)
      const { losses } = labelCrossEntropy.rows(heads)
      const { acceptanceRates } = tvd.rows(withTarget(heads, batch))
      return ofAllPositions({ losses, acceptanceRates: acceptanceRates! }, batch, heads.numbers)
    },
  }
}
