import type { Batch } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type PretrainedModel, resolveSampling, type SamplingOptions, type TrainableLM } from '@outrider/transformer'
import type { Objective, StepBatch } from '../loop/objective'
import { type DrawSampling, drawAnswers } from './draw-answers'

/** Which batches' answers the draft draws itself, and how. */
export interface OnPolicyOptions extends Pick<SamplingOptions, keyof DrawSampling> {
  /** λ: of all batches, the share whose answers are drawn, from 0 to 1. They are spread evenly. */
  share: number
  /** Default 1: the draft's own distribution. */
  temperature?: number | undefined
  /** Decides what is drawn, with the number of the batch and of the row. Default: the run's. */
  seed?: number | undefined
}

/**
 * On-policy distillation (DistillSpec, Zhou et al. 2023, arXiv 2310.08461; GKD, Agarwal et al. 2023, arXiv 2306.13649): of a share λ
 * of the batches the answers are not those of the data but the draft's own, drawn from the rows' prompts with its weights as they are
 * at that step, and learnt with what the target says after each of their tokens. The draw itself has no gradient.
 *
 * The papers toss a coin for each batch; here every 1/λ-th is drawn, which is the same share without the chance. Whole batches,
 * because drawing takes a pass for every token of the longest answer, however many rows there are.
 *
 * @returns what an objective needs for it; nothing for a share of 0
 * @throws OutriderError INVALID_ARGUMENT for a share outside 0 to 1, or sampling options that are none
 */
export function onPolicy(
  draft: PretrainedModel<TrainableLM>,
  { share, ...options }: OnPolicyOptions,
): Pick<Objective, 'settings' | 'stepBatches'> {
  if (!(share >= 0 && share <= 1))
    throw new OutriderError('INVALID_ARGUMENT', `The share of on-policy batches is ${share}; it must be from 0 to 1.`, {
      details: { option: 'share', value: share },
    })
  const { temperature, topK, topP, seed } = resolveSampling({ ...options, temperature: options.temperature ?? 1 })
  const sampling = { temperature, topK, topP, seed }
  if (share === 0) return {}
  return {
    settings: { on_policy: { share, ...sampling } },
    async stepBatches(given, first) {
      const batches: StepBatch[] = []
      for (const [i, batch] of given.entries())
        batches.push(...(await ofOne(draft, batch, { share, sampling, number: first + i })))
      return batches
    },
  }
}

async function ofOne(
  draft: PretrainedModel<TrainableLM>,
  batch: Batch,
  { share, sampling, number }: { share: number; sampling: DrawSampling; number: number },
): Promise<StepBatch[]> {
  const isDrawn = Math.floor((number + 1) * share) > Math.floor(number * share)
  return isDrawn ? await drawAnswers(draft, batch, { ...sampling, number }) : [batch]
}
