import { type Batch, toBatch } from '@outrider/dataset'
import { composeLoss, distillationLossOfHeads, kld, lossByName, type RowLoss, rowMean } from '@outrider/losses'
import { add, type Device, multiply, readAll, type Tensor, takeRows, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { type ModelParameters, type PretrainedModel, parallelDraft } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../evaluation/evaluate'
import { distillation } from '../loop/distill'
import { stepGradients } from '../loop/gradients'
import { toDevice } from '../loop/objective'
import { tinyDraft } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'
import { drawnGroups, groupSeed, spacedGroups } from './groups'
import type { ParallelOptions } from './options'

let device: Device
let target: PretrainedModel
/** A draft of 259 ids: the last is the mask, which the target does not have. */
let draft: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
  const sequential = tinyDraft(target)
  draft = parallelDraft(sequential)
  sequential.dispose()
})

const parallel: ParallelOptions = { draftLength: 3, ratio: 0.7, minimum: 0.2, seed: 9 }
const batch = toBatch(
  ['abcabca', 'fedfe'].map((text) => ({
    tokens: [256, ...new TextEncoder().encode(text)],
    lossMask: [0, 0, ...new Array(text.length - 1).fill(1)],
  })),
)
const rowOf = ({ lossMask, length }: Batch, row: number) => lossMask.subarray(row * length, (row + 1) * length)

interface Row {
  /** What the draft reads for it, on its own. */
  tokens: number[]
  /** The place of the text that it says the next token of. */
  row: number
  place: number
  masks: number
  /** The number in the list of what is before it in its block. */
  before: number
}

/** The rows of a step, one by one: what each would read if there were nothing beside it. */
function rowsOfStep({ tokens, length }: Batch, step: number, settings = parallel): Row[] {
  const rows: Row[] = []
  for (const row of [0, 1]) {
    const own = [...tokens.subarray(row * length, (row + 1) * length)]
    const counts = rowOf(batch, row)
    const numbers = new Map<number, number>()
    for (const [place, counted] of counts.entries()) {
      if (!counted) continue
      numbers.set(place, rows.length)
      rows.push({ tokens: own.slice(0, place + 1), row, place, masks: 0, before: rows.length })
    }
    const drop = { draftLength: settings.draftLength, ratio: settings.ratio!, minimum: settings.minimum! }
    for (const { anchor, masks } of drawnGroups(counts, drop, groupSeed(settings.seed!, step, row * length)))
      for (let k = 1; k <= masks; k++) {
        const before = k === 1 ? numbers.get(anchor)! : rows.length - 1
        const read = [...own.slice(0, anchor + 1), ...new Array<number>(k).fill(258)]
        rows.push({ tokens: read, row, place: anchor + k, masks: k, before })
      }
  }
  return rows
}

/** Loss and α of each of the rows, by an ordinary causal pass over what it reads. */
function apart(loss: RowLoss, parameters: ModelParameters, rows: readonly Row[]) {
  const ids = device.tensor(batch.tokens, { shape: [batch.batchSize, batch.length] })
  const said = target.model.hidden(ids).reshape([batch.tokens.length, target.config.hiddenSize])
  return rows.map(({ tokens, row, place }) => {
    const read = device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
    const hidden = draft.model.trainingHidden(parameters, read).reshape([tokens.length, draft.config.hiddenSize])
    const last = device.tensor(Uint32Array.of(tokens.length - 1))
    const at = row * batch.length + place
    return distillationLossOfHeads(loss, {
      draft: { hidden: takeRows(hidden, last), head: draft.model.head(parameters) },
      target: { hidden: takeRows(said, device.tensor(Uint32Array.of(at))), head: target.model.head() },
      labels: device.tensor(batch.labels.slice(at, at + 1)),
    })
  })
}

describe('distilling a parallel draft', () => {
  for (const weighting of ['uniform', 'decay', 'reach'] as const)
    it(`has loss, α and gradient of the rows one by one, each read alone, weighted by position: ${weighting}`, async () => {
      const options = { ...parallel, weighting, decayFactor: 0.6 }
      const objective = distillation(draft, target, kld, { parallel: options })
      const rows = rowsOfStep(batch, 4)
      expect(rows.filter(({ masks }) => masks === 2).length).toBeGreaterThan(1)
      const step = await stepGradients(draft, objective, [batch], { seed: 4 })

      const singles = device.scope(() =>
        apart(kld, draft.model.parameters, rows).map(({ acceptanceRate }) => acceptanceRate!),
      )
      const rates = (await readAll(singles)).map((value) => value[0]!)
      for (const tensor of singles) tensor.dispose()
      const reached: number[] = []
      for (const [i, { masks, before }] of rows.entries())
        reached[i] = masks === 0 ? 1 : reached[before]! * rates[before]!
      const weights = rows.map(({ masks }, i) => ({ uniform: 1, decay: 0.6 ** masks, reach: reached[i]! })[weighting])
      const total = weights.reduce((a, b) => a + b)
      const expected = device.scope(() =>
        valueAndGradient(draft.model.parameters, (parameters) =>
          apart(kld, parameters, rows)
            .map(({ value }, i) => multiply(value, weights[i]! / total))
            .reduce((a, b) => add(a, b)),
        ),
      )
      expect(step.loss).toBeCloseTo(await expected.value.item(), 4)
      for (const [name, gradient] of Object.entries(step.gradients)) {
        const wanted = await expected.gradients[name]!.data()
        const largest = Math.max(...wanted.map(Math.abs))
        await expectAllClose(gradient, wanted, { absolute: 2e-3 * largest, relative: 0 })
      }
      for (const [k, name] of ['first', 'second', 'third'].entries()) {
        const own = rows.flatMap(({ masks }, i) => (masks === k ? [i] : []))
        const [count, alpha, accepted] = Array.from(step.positions!).slice(3 * k)
        expect(count, name).toBe(own.length)
        expect(alpha, name).toBeCloseTo(
          own.reduce((sum, i) => sum + rates[i]!, 0),
          3,
        )
        expect(accepted, name).toBeCloseTo(
          own.reduce((sum, i) => sum + rates[i]! * reached[i]!, 0),
          3,
        )
      }
      expect(step.aux.acceptance_rate).toBeCloseTo(step.positions![1]! / step.positions![0]!, 5)
      dispose([step.norm, ...Object.values(step.gradients), expected.value, ...Object.values(expected.gradients)])
    })

  it('pools over masks and tokens alike where a loss pools', async () => {
    const own = { ...parallel, ratio: 1 } // nothing is dropped, so that rows are the same in whatever batches
    const objective = distillation(draft, target, lossByName('tvd++'), { parallel: own })
    const halves = [0, 1].map((row): Batch => {
      const of = <T extends Uint32Array | Float32Array>(all: T) =>
        all.slice(row * batch.length, (row + 1) * batch.length) as T
      const { tokens, labels, lossMask, length } = batch
      return { tokens: of(tokens), labels: of(labels), lossMask: of(lossMask), batchSize: 1, length }
    })
    const whole = await stepGradients(draft, objective, [batch], { seed: 1 })
    const parts = await stepGradients(draft, objective, halves, { seed: 1 })
    expect(parts.aux.sigma).toBeCloseTo(whole.aux.sigma!, 5)
    expect(Array.from(parts.positions!)).toHaveLength(9)
    for (const [i, sum] of Array.from(parts.positions!).entries()) expect(sum).toBeCloseTo(whole.positions![i]!, 3)
    dispose([whole, parts].flatMap(({ norm, gradients }) => [norm, ...Object.values(gradients)]))
  })

  it('measures blocks that are proposed at once on held-out rows', async () => {
    const objective = distillation(draft, target, kld, { parallel })
    const figures = await evaluate(draft, objective, [batch])
    const ordinary = await evaluate(draft, distillation(draft, target, kld), [batch])
    expect(figures.eval_acceptance_rate).toBeCloseTo(ordinary.eval_acceptance_rate!, 4)
    expect(figures.eval_loss).toBeCloseTo(ordinary.eval_loss!, 4)
    const rows: Row[] = []
    for (const row of [0, 1]) {
      const own = [...batch.tokens.subarray(row * batch.length, (row + 1) * batch.length)]
      for (const { anchor, masks } of spacedGroups(rowOf(batch, row), 3))
        for (let k = 0; k <= masks; k++)
          rows.push({
            ...{ tokens: [...own.slice(0, anchor + 1), ...new Array<number>(k).fill(258)], row, place: anchor + k },
            ...{ masks: k, before: k === 0 ? rows.length : rows.length - 1 },
          })
    }
    const singles = device.scope(() =>
      apart(kld, draft.model.parameters, rows).map(({ acceptanceRate }) => acceptanceRate!),
    )
    const rates = (await readAll(singles)).map((value) => value[0]!)
    dispose(singles)
    const third = rows.flatMap(({ masks }, i) => (masks === 2 ? [rates[i]!] : []))
    expect(figures.eval_parallel!.acceptance_rates).toHaveLength(3)
    expect(figures.eval_parallel!.acceptance_rates[2]).toBeCloseTo(third.reduce((a, b) => a + b) / third.length, 4)
    expect(figures.eval_acceptance_length).toEqual({ 3: figures.eval_parallel!.acceptance_lengths[2] })
    const some = await evaluate(draft, objective, [batch], [2, 3, 4])
    expect(Object.keys(some.eval_acceptance_length!)).toEqual(['2', '3'])
  })

  it('takes a step of as many rows as the ratio says, and frees what it held', async () => {
    const long = toBatch([
      { tokens: Array.from({ length: 49 }, (_, i) => 97 + (i % 5)), lossMask: new Array(49).fill(1) },
    ])
    let rows = 0
    const { parameters, config, stored } = draft.model
    const seen = {
      ...draft,
      model: {
        ...{ device, parameters, config, stored, head: (given: ModelParameters) => draft.model.head(given) },
        trainingHidden: (...given: Parameters<typeof draft.model.trainingHidden>) => {
          rows = given[1].shape[1]!
          return draft.model.trainingHidden(...given)
        },
      } as unknown as typeof draft.model,
    }
    const live = device.memory.liveBytes
    for (const [draftLength, most] of [
      [8, 2.7],
      [15, 3.6],
    ] as const) {
      const objective = distillation(seen, target, kld, { parallel: { draftLength } })
      const { norm, gradients } = await stepGradients(draft, objective, [long], { seed: 1 })
      dispose([norm, ...Object.values(gradients)])
      expect(rows).toBeGreaterThan(1.8 * 48)
      expect(rows).toBeLessThanOrEqual(most * 48 + 8)
    }
    device.scope(
      () =>
        void distillation(draft, target, kld, { parallel }).measure(draft.model.parameters, toDevice(device, batch, 0)),
    )
    expect(device.memory.liveBytes).toBe(live)
  })

  it('refuses what cannot be trained', () => {
    const refused = (options: Partial<ParallelOptions>, loss: RowLoss | ReturnType<typeof composeLoss> = kld) =>
      expect(() => distillation(draft, target, loss, { parallel: { ...parallel, ...options } }))
    const invalid = (text: string) =>
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) })
    refused({ draftLength: 1 }).toThrow(invalid('2 to 15 tokens at once, not 1'))
    refused({ draftLength: 16 }).toThrow(invalid('not 16'))
    refused({ ratio: 0 }).toThrow(invalid('ratio of groups that are kept is 0'))
    refused({ minimum: 1.5 }).toThrow(invalid('least share of groups is 1.5'))
    refused({ weighting: 'late' as 'reach' }).toThrow(invalid('uniform, decay, reach, not late'))
    refused({ decayFactor: 0 }).toThrow(invalid('decay of positions is 0'))
    const composed = composeLoss('own', ({ draftLogits, mask }) => rowMean(takeColumn(draftLogits), mask))
    refused({}, composed).toThrow(invalid('and own is none'))
    expect(() => distillation(tinyDraft(target), target, kld, { parallel })).toThrow(
      invalid('The draft names no token'),
    )
  })
})

const takeColumn = (logits: Tensor) => logits.reshape([logits.size])

const dispose = (tensors: readonly Tensor[]) => {
  for (const tensor of tensors) tensor.dispose()
}
