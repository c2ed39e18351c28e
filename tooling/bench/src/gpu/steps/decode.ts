import { argmax } from '@outrider/tensor'
import type { FormatName } from '@outrider/tensor/internal'
import { generate, type PretrainedModel, prefill } from '@outrider/transformer'
import { median } from '../../compare'
import { madeUpIds, randomModel } from '../random-model'
import type { GpuContext, GpuStep } from '../step'

const promptLength = 64
const rowCounts = [1, 4, 8, 16]

/** Decoding a model of random weights, as users have it, as replayed passes, and as the time of its kernels; and its prompts. */
export const decodeStep = (format: 'f32' | FormatName): GpuStep => ({
  name: `decode-${format}`,
  summary: `decoding and prompts of the target in ${format}: as generate gives tokens, as replayed passes, as kernel time`,
  limit: 75,
  async run(context) {
    const target = randomModel(context.device, context.world.target, format)
    await decoded(context, target, format)
    await replayed(context, target, format)
    await promptsRead(context, target, format)
    target.dispose()
  },
})

/** Of the embedding a row is read. */
const bytesRead = ({ model }: PretrainedModel): number =>
  Object.entries(model.parameters).reduce((sum, [name, { bytes }]) => sum + (name.includes('embed') ? 0 : bytes), 0)

async function decoded({ world, emit, device }: GpuContext, target: PretrainedModel, format: string): Promise<void> {
  const prompt = madeUpIds(Math.min(promptLength, world.prompts[0]!), world.target)
  const times: number[] = []
  let tokens: number[] = []
  for (let i = 0; i < 4; i++) {
    const { timings, tokens: said } = await generate(target, prompt, { temperature: 0, maxTokens: world.answer }).result
    if (i > 0) times.push((1000 * timings.decodeSeconds) / (said.length - 1)) // the first compiles
    tokens = said
  }
  const ms = median(times)
  const wrong = await unlikeOnePass(target, prompt, tokens)
  emit({ case: `${format}, generate`, ms, 'tokens/s': 1000 / ms, 'GB/s': bytesRead(target) / ms / 1e6, wrong })
  await device.idle()
}

/** All places in one pass say what was said, but where two ids are as good as equal: other kernels have other last digits. */
async function unlikeOnePass(target: PretrainedModel, prompt: readonly number[], said: readonly number[]) {
  const { model, config } = target
  const { device } = model
  const all = [...prompt, ...said.slice(0, -1)]
  using computed = device.scope(() => model.forward(device.tensor(Uint32Array.from(all), { shape: [1, all.length] })))
  const logits = await computed.data()
  const { vocabularySize } = config
  for (const [i, id] of said.entries()) {
    const row = (logits as Float32Array).subarray((prompt.length - 1 + i) * vocabularySize).subarray(0, vocabularySize)
    const best = row.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY)
    if (!(best - row[id]! <= 1e-2)) return `token ${i} is ${best - row[id]!} below the best of one pass`
  }
  return undefined
}

async function replayed(
  { device, timed, world, emit }: GpuContext,
  target: PretrainedModel,
  format: string,
): Promise<void> {
  const { model, config } = target
  const prompt = madeUpIds(Math.min(promptLength, world.prompts[0]!), config)
  const cache = model.createCache({ capacity: prompt.length + 16 })
  prefill(model, cache, prompt).dispose()
  const bytes = bytesRead(target)
  for (const rows of rowCounts) {
    cache.truncate(prompt.length)
    using tokens = device.tensor(Uint32Array.from(madeUpIds(rows, config, 3)), { shape: [1, rows] })
    const pass = () => argmax(model.forward(tokens, { cache }).reshape([rows, config.vocabularySize]))
    using recording = device.record(pass)
    const time = await timed(() => recording.replay(), 60)
    emit({ case: `${format}, a pass of ${rows} rows, replayed`, rows, ...time, 'GB/s': bytes / time.ms / 1e6 })
  }
  if (device.capabilities.timestampQuery) {
    cache.truncate(prompt.length)
    using unread = device.tensor(Uint32Array.from([7]), { shape: [1, 1] })
    const { kernels } = await device.profile(async () => device.scope(() => void model.forward(unread, { cache })))
    const ms = kernels.reduce((sum, { microseconds }) => sum + microseconds / 1000, 0)
    const dearest = kernels
      .slice(0, 6)
      .map(({ name, count, microseconds }) => `${name} ×${count} ${microseconds.toFixed(0)} µs`)
    emit({ case: `${format}, kernels of a pass`, ms, 'GB/s': bytes / ms / 1e6, dearest: dearest.join(', ') })
  }
  cache.dispose()
}

async function promptsRead({ timed, world, emit }: GpuContext, target: PretrainedModel, format: string): Promise<void> {
  const { model, config } = target
  for (const length of world.prompts) {
    const ids = madeUpIds(length, config, 5)
    const cache = model.createCache({ capacity: length })
    const read = () => {
      cache.truncate(0)
      prefill(model, cache, ids).dispose()
    }
    const time = await timed(read, 4)
    cache.dispose()
    emit({ case: `${format}, a prompt of ${length}`, ...time, 'tokens/s': (1000 * length) / time.ms })
  }
}
