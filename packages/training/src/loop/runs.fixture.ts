import { type Batch, type BatchStream, type DataSource, texts } from '@outrider/dataset'
import { type Device, readAll, uniform01 } from '@outrider/tensor'
import { createDraft, type PretrainedModel } from '@outrider/transformer'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import type { TrainingOptions } from './train'

/** Texts that have something to learn: each repeats a few letters of its own. */
export const patterns: DataSource = texts(
  Array.from({ length: 24 }, (_, i) => {
    const letters = Array.from({ length: 3 }, (_, k) => 97 + Math.floor(uniform01(11, i * 3 + k) * 6))
    return String.fromCharCode(...letters).repeat(6)
  }),
)

/** A random model over bytes; a draft of it has its tokenizer. */
export const tinyTarget = (device: Device): PretrainedModel => tinyModel(device, { layers: 2, eosTokenIds: [257] })

export const tinyDraft = (target: PretrainedModel, seed = 7): PretrainedModel =>
  createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, intermediateSize: 24, seed })

/** The run that tests interrupt: 12 steps with a checkpoint every third. */
export const shortRun = {
  steps: 12,
  batchSize: 2,
  length: 24,
  seed: 5,
  learningRate: 5e-3,
  warmup: 2,
  accumulation: 2,
  checkpointEvery: 3,
} satisfies TrainingOptions & { batchSize: number; length: number; seed: number }

/** Every weight of a model, by name. */
export const weightsOf = async ({ model }: PretrainedModel) => {
  const values = await readAll(Object.values(model.parameters))
  return Object.fromEntries(Object.keys(model.parameters).map((name, i) => [name, values[i]!]))
}

/** A stream that gives the same batches in turn. */
export function inTurn(batches: readonly Batch[]): BatchStream {
  let at = 0
  return {
    next: async () => batches[at++ % batches.length]!,
    state: () => at,
    async restore(state) {
      at = state as number
    },
  }
}
