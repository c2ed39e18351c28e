import { frequentIds } from '@outrider/dataset'
import { modelDrafter } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { Decoder, draftConfig, resolveSampling, type Sampling } from '@outrider/transformer'
import { median, rounded } from '../compare'
import { linesOf } from '../recorded-answers'
import type { Row, Suite } from '../suite'

/** SmolLM2's, with the draft that feasibility speaks for: 2 layers of 128. */
const target = {
  architecture: 'llama',
  vocabularySize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  contextLength: 256,
  ropeTheta: 100_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  eosTokenIds: [2],
  initializerRange: 0.04,
}
const sizes = [2048, 4096, 8192, 16_384, target.vocabularySize]
const [draftLength, rounds] = [5, 15]
const ways = { greedy: resolveSampling({ temperature: 0 }), sampled: resolveSampling({ temperature: 0.7, seed: 1 }) }

/**
 * What a head over fewer ids saves a draft and what it leaves unsaid: seconds of a drafted token by the number of ids, in turns;
 * and with `--answers`, the share of the tokens of every other answer that the ids counted in the rest cover.
 */
export const draftVocabularySuite: Suite = {
  name: 'draft-vocabulary',
  summary:
    'a drafted token by the ids that the draft says, of 49,152; with --answers, what they cover of answers held out',
  async run({ device, note, now, answers }) {
    const counted = answers === undefined ? undefined : await halves(answers)
    const models = sizes.map((size) => {
      note(`${size} ids`)
      const coveredIds = frequentIds(counted?.counts ?? [], size, { config: target, generationConfig: target })
      const isWhole = size === target.vocabularySize
      const config = draftConfig(target, { layers: 2, hiddenSize: 128, heads: 4, intermediateSize: 384 })
      return { size, coveredIds, model: Decoder.initialize(device, { ...config, ...(!isWhole && { coveredIds }) }) }
    })
    const times = new Map<string, number[]>()
    for (let round = 0; round <= rounds; round++)
      for (const [way, sampling] of Object.entries(ways))
        for (const { size, model } of models) {
          note(`round ${round} of ${rounds}, ${size} ids, ${way}`)
          const seconds = await secondsOf(device, model, sampling, now)
          const key = `${way} ${size}`
          if (round > 0) times.set(key, [...(times.get(key) ?? []), seconds / draftLength])
        }
    const ms = (way: string, size: number) => 1000 * median(times.get(`${way} ${size}`)!)
    const rows = models.map(({ size, coveredIds }): Row => {
      const said = new Set(coveredIds)
      return {
        ids: size,
        ...Object.fromEntries(
          Object.keys(ways).flatMap((way) => [
            [`${way}_ms`, rounded(ms(way, size))],
            [`${way}_of_all`, rounded(ms(way, size) / ms(way, target.vocabularySize))],
          ]),
        ),
        head_parameters: size * 128,
        ...(counted && { covered: rounded(shareOf(counted.heldOut, (id) => said.has(id))) }),
      }
    })
    for (const { model } of models) model.dispose()
    return rows
  },
}

/** A block of drafts after a prompt that it has read. */
async function secondsOf(device: Device, model: Decoder, sampling: Sampling, now: () => number): Promise<number> {
  const { vocabularySize } = target
  const session = modelDrafter(model).open({ device, vocabularySize, capacity: 64 })
  const tokens = [5, 6, 7, 8]
  const block = (offset: number) => device.scope(() => void session.draft({ tokens, draftLength, sampling, offset }))
  // The first reads the prompt, the second records the step that is measured.
  for (const offset of [0, 8]) {
    block(offset)
    await device.idle()
    session.keep(tokens.length - 1)
  }
  const start = now()
  block(16)
  await device.idle()
  const seconds = now() - start
  session.dispose()
  return seconds
}

/** Ids of answers, a row a line (`completion_ids`, as `outrider generate` writes them): half of them counted, half held out. */
async function halves(file: string): Promise<{ counts: Float64Array; heldOut: readonly number[] }> {
  const rows = await linesOf<{ completion_ids: number[] }>(file)
  const answers = rows.map(({ completion_ids }) => completion_ids)
  const counts = new Float64Array(target.vocabularySize)
  for (const id of answers.filter((_, i) => i % 2 === 0).flat()) counts[id]!++
  return { counts, heldOut: answers.filter((_, i) => i % 2 === 1).flat() }
}

const shareOf = (ids: readonly number[], isCounted: (id: number) => boolean): number =>
  ids.filter(isCounted).length / ids.length
