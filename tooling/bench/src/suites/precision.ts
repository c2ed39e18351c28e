import { type Device, uniform01 } from '@outrider/tensor'
import { nextToken, type Precision, train } from '@outrider/training'
import { byteTokenizer, Decoder, type PretrainedModel, parameterCount, pretrainedModel } from '@outrider/transformer'
import { median, rounded } from '../compare'
import { kernelTimes } from '../kernel-times'
import { parityConfig } from '../parity-config'
import { common } from '../peers'
import type { Row, Suite } from '../suite'

const stepsARound = 4
const rounds = 3

interface Contender {
  name: string
  precision: Precision
  activationCheckpointing: boolean
}

const contenders: readonly Contender[] = (['f32', 'mixed'] as const).flatMap((precision) => [
  { name: precision, precision, activationCheckpointing: false },
  { name: `${precision}, activation checkpointing`, precision, activationCheckpointing: true },
])

/** Time and peak memory of a training step of the parity model, in f32 and in mixed precision. */
export const precisionSuite: Suite = {
  name: 'precision',
  summary: 'a step of pretraining in f32 and in mixed precision (shader-f16): time, and bytes at the peak',
  async run({ device, note, profile }) {
    const model = parityModel(device)
    const running = contenders
      .filter(({ precision }) => precision === 'f32' || device.capabilities.shaderF16)
      .map((contender) => ({ ...contender, times: [] as number[], peak: 0 }))
    for (let round = 0; round < rounds; round++)
      for (const contender of running) {
        note(`round ${round + 1}, ${contender.name}`)
        contender.peak = await measure(device, model, contender)
      }
    if (profile)
      for (const contender of running.filter(({ activationCheckpointing }) => !activationCheckpointing))
        profile.push(
          ...(await kernelTimes(device, contender.name, () => measure(device, model, { ...contender, times: [] }))),
        )
    model.dispose()
    const parameterBytes = 4 * parameterCount(model.config)
    return running.map(({ name, precision, times, peak }): Row => {
      // Beside the weights, which were there before: two moments, gradients, and f16 copies.
      const held = parameterBytes * (precision === 'mixed' ? 3.5 : 3)
      return {
        case: name,
        median_ms: rounded(median(times)),
        least_ms: rounded(Math.min(...times)),
        most_ms: rounded(Math.max(...times)),
        peak_mb: rounded(peak / 1e6),
        of_that_activations_mb: rounded((peak - held) / 1e6),
      }
    })
  },
}

/** Adds the times of a few steps to `times`; returns the most bytes that they and those before took. */
async function measure(
  device: Device,
  model: PretrainedModel,
  { precision, activationCheckpointing, times, peak }: Contender & { times: number[]; peak: number },
): Promise<number> {
  device.resetPeak()
  const before = device.memory.liveBytes
  let began = performance.now()
  await train(model, nextToken(model, { activationCheckpointing }), randomBatches(), {
    steps: stepsARound,
    learningRate: 1e-3,
    precision,
    onStep({ step }) {
      // The first step of a run makes its moments, and its kernels.
      if (step > 1) times.push(performance.now() - began)
      began = performance.now()
    },
  })
  return Math.max(peak, device.memory.peakBytes - before)
}

function parityModel(device: Device): PretrainedModel {
  return pretrainedModel(Decoder.initialize(device, parityConfig, { seed: 1 }), {
    tokenizer: byteTokenizer(),
    generationConfig: { eosTokenIds: [0] },
    source: 'the parity model',
  })
}

/** The same batch again and again. */
function randomBatches() {
  const { seq, batch, vocab } = common.parity
  const ids = (stream: number) => Uint32Array.from({ length: batch * seq }, (_, i) => vocab * uniform01(stream, i))
  const fixed = {
    tokens: ids(1),
    labels: ids(2),
    lossMask: new Float32Array(batch * seq).fill(1),
    batchSize: batch,
    length: seq,
  }
  return { next: async () => fixed, state: () => 0, restore: async () => {} }
}
