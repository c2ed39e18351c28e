import { testDevice } from '@outrider/tensor/testing'
import type { PretrainedModel } from '@outrider/transformer'
import { pretrain } from './pretrain'
import { patterns, tinyTarget } from './runs.fixture'

let trained: Promise<PretrainedModel> | undefined

/** A target that was trained on the patterns, so that its distribution is worth imitating: once a process, and not to be changed. */
export function trainedTarget(): Promise<PretrainedModel> {
  trained ??= testDevice().then(async (device) => {
    const target = tinyTarget(device)
    await pretrain(target, patterns, { steps: 60, batchSize: 4, length: 24, learningRate: 1e-2 })
    return target
  })
  return trained
}
