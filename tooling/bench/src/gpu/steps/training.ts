import type { BatchStream } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { distillation, nextToken, type Objective, type Precision, train } from '@outrider/training'
import type { PretrainedModel } from '@outrider/transformer'
import { median } from '../../compare'
import { madeUpIds, randomModel, untrainedModel } from '../random-model'
import type { GpuContext, GpuStep } from '../step'
import type { World } from '../world'

const steps = 6

/** A step of pretraining the draft, and of distilling it from the target, which reads its rows each time. */
export const trainingStep: GpuStep = {
  name: 'training',
  summary: 'steps of pretraining the draft, and of distilling it from the target; f32 and mixed precision',
  limit: 90,
  async run(context) {
    const { device, world } = context
    const precisions: Precision[] = ['f32', ...(device.capabilities.shaderF16 ? (['mixed'] as const) : [])]
    const target = randomModel(device, world.target, 'f16')
    for (const precision of precisions) {
      await trained(context, 'pretraining', precision, (draft) => nextToken(draft))
      await trained(context, 'distillation, kld', precision, (draft) => distillation(draft, target, kld, {}))
    }
    await targetRead(context, target)
    target.dispose()
  },
}

/** What of a step of distilling is the target's. */
async function targetRead({ device, world, timed, emit }: GpuContext, target: PretrainedModel): Promise<void> {
  const [batchSize, length] = world.batch
  const ids = Uint32Array.from(madeUpIds(batchSize * length, world.target, 1))
  using tokens = device.tensor(ids, { shape: [batchSize, length] })
  const time = await timed(() => target.model.hidden(tokens).dispose(), 3)
  emit({
    case: `of that the target reading ${batchSize} × ${length}, f16`,
    ...time,
    'tokens/s': (1000 * batchSize * length) / time.ms,
  })
}

async function trained(
  { device, world, emit }: GpuContext,
  name: string,
  precision: Precision,
  objectiveOf: (draft: PretrainedModel) => Objective,
): Promise<void> {
  const draft = untrainedModel(device, world.draft)
  const times: number[] = []
  const losses: number[] = []
  let began = performance.now()
  device.resetPeak()
  await train(draft, objectiveOf(draft), oneBatch(world), {
    ...{ steps, learningRate: 1e-3, precision },
    onStep({ loss }) {
      times.push(performance.now() - began)
      losses.push(loss)
      began = performance.now()
    },
  })
  const peak = device.memory.peakBytes
  draft.dispose()
  const ms = median(times.slice(1)) // the first compiles
  const [batchSize, length] = world.batch
  const isLearnt = losses.every(Number.isFinite) && losses.at(-1)! < losses[0]!
  emit({
    ...{ case: `${name}, ${batchSize} × ${length}, ${precision}`, ms, 'tokens/s': (1000 * batchSize * length) / ms },
    'peak GB': peak / 1e9,
    wrong: isLearnt ? undefined : `of one batch again and again, losses are ${losses.join(', ')}`,
  })
}

/** One batch for every step. */
function oneBatch({ batch: [batchSize, length], target }: World): BatchStream {
  const batch = {
    tokens: Uint32Array.from(madeUpIds(batchSize * length, target, 1)),
    labels: Uint32Array.from(madeUpIds(batchSize * length, target, 3)),
    lossMask: new Float32Array(batchSize * length).fill(1),
    ...{ batchSize, length },
  }
  return { next: async () => batch, state: () => 0, restore: async () => {} }
}
