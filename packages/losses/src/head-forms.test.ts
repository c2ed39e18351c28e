import {
  type Head,
  headLogits,
  multiply,
  readAll,
  square,
  sum,
  type Tensor,
  trainingLogits,
  valueAndGradient,
} from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { evaluate } from './evaluate.fixture'
import { randomStates, unitHead } from './heads.fixture'
import {
  composeLoss,
  type DistillationResult,
  distillationLoss,
  distillationLossOfHeads,
  kld,
  labelCrossEntropy,
  lossByName,
  lossNames,
  rowMean,
  tvd,
} from './index'
import { alphaOf, logitsOf, positionOf, total } from './testing/position'

const close = { absolute: 1e-6, relative: 1e-4 }

describe('a loss of heads with a bias, a scale and a cap', () => {
  const size = { hiddenSize: 8, vocabulary: 36 }
  const given = async () => {
    const states = await randomStates({ rows: 12, sequenceLength: 4 }, { draft: size, target: size })
    const { device, draft, target, rest } = states
    const bias = (stream: number) => device.tensor(logitsOf(size.vocabulary, stream, 1))
    return {
      draft: { ...draft, bias: bias(5) },
      target: { ...target, head: { ...target.head, bias: bias(6), scale: 0.5, softCap: 2 } },
      rest,
    }
  }
  type Draft = Awaited<ReturnType<typeof given>>['draft']

  const read = async (draft: Draft, evaluated: (hidden: Tensor, head: Head) => DistillationResult) => {
    const { value, gradients, aux } = valueAndGradient(draft, ({ hidden, ...head }) => {
      const { value, acceptanceRate } = evaluated(hidden, { ...head, scale: 2, softCap: 1.5 })
      return { value, aux: acceptanceRate! }
    })
    return readAll([value, aux, ...Object.values(gradients)])
  }

  for (const name of lossNames)
    it(`is ${name} of their logits, and so are its gradients, in chunks of any size`, async () => {
      const { draft, target, rest } = await given()
      const loss = lossByName(name)
      const targetLogits = headLogits(target.head, target.hidden)
      const expected = await read(draft, (hidden, head) =>
        distillationLoss(loss, { ...rest, draftLogits: trainingLogits(head, hidden), targetLogits }),
      )
      for (const chunkRows of [undefined, 5, 3]) {
        const actual = await read(draft, (hidden, head) =>
          distillationLossOfHeads(loss, { ...rest, draft: { hidden, head }, target, chunkRows }),
        )
        for (const [i, values] of actual.entries()) await expectAllClose(values as Float32Array, expected[i]!, close)
      }
    })
})

describe('a loss of a draft that says some ids alone', () => {
  const covered = [7, 2, 4, 1, 10] // of 12
  const [rows, vocabulary] = [6, 12]
  const draft = logitsOf(rows * covered.length, 1, 2)
  const target = logitsOf(rows * vocabulary, 2, 2)
  const labels = [7, 1, 3, 10, 0, 4] // two of them cannot be said
  const rowOf = (logits: Float32Array, row: number) => {
    const columns = logits.length / rows
    return logits.subarray(row * columns, (row + 1) * columns)
  }
  const targetOfCovered = Float32Array.from({ length: draft.length }, (_, i) => {
    const row = Math.floor(i / covered.length)
    return target[row * vocabulary + covered[i % covered.length]!]!
  })
  /** α in float64: p is 0 where an id is not covered. */
  const alpha = (row: number) => {
    const p = new Float64Array(vocabulary)
    for (const [i, mass] of positionOf(rowOf(draft, row), rowOf(draft, row)).p.entries()) p[covered[i]!] = mass
    const { q } = positionOf(rowOf(target, row), rowOf(target, row))
    return alphaOf({ p, q } as Parameters<typeof alphaOf>[0])
  }

  const given = async (chunkRows?: number) => {
    const device = await testDevice()
    const ids = device.tensor(Uint32Array.from(covered))
    return {
      draft: {
        hidden: device.tensor(draft, { shape: [rows, covered.length] }),
        head: { ...unitHead(device, covered.length), covered: { ids, vocabularySize: vocabulary } },
      },
      target: {
        hidden: device.tensor(target, { shape: [rows, vocabulary] }),
        head: unitHead(device, vocabulary),
      },
      labels: device.tensor(Uint32Array.from(labels)),
      seed: 3,
      chunkRows,
    }
  }
  /** The same of a target that is asked for these ids alone, and told what all come to. */
  const askedForThem = async (chunkRows?: number) => {
    const inputs = await given(chunkRows)
    const { device } = inputs.draft.hidden
    const weight = Float32Array.from({ length: covered.length * vocabulary }, (_, i) =>
      covered[Math.floor(i / vocabulary)] === i % vocabulary ? 1 : 0,
    )
    const logNormalizers = labels.map((_, row) => Math.log(total(Array.from(rowOf(target, row), Math.exp))))
    return {
      ...inputs,
      target: {
        hidden: inputs.target.hidden,
        head: {
          weight: device.tensor(weight, { shape: [covered.length, vocabulary] }),
          covered: inputs.draft.head.covered,
        },
        logNormalizers: device.tensor(Float32Array.from(logNormalizers)),
      },
    }
  }
  const losses = [
    ...lossNames.map((name) => lossByName(name)),
    composeLoss('squares', ({ draftLogits, targetLogits, mask }) =>
      rowMean(sum(square(multiply(draftLogits, targetLogits!)), { axis: 1 }), mask),
    ),
  ]
  for (const loss of losses)
    it(`is ${loss.name} of the target renormalised over them, with α of the target as it is`, async () => {
      const places = labels.map((id) => (covered.includes(id) ? covered.indexOf(id) : 0xffffffff))
      const expected = await evaluate(loss, draft, targetOfCovered, rows, {
        labels: Uint32Array.from(places),
        seed: 3,
      })
      const forms = [undefined, 4, 1].flatMap((chunkRows) => [given(chunkRows), askedForThem(chunkRows)])
      for (const inputs of await Promise.all(forms)) {
        const { value, gradients, aux } = valueAndGradient(inputs.draft.hidden, (hidden) => {
          const { value, acceptanceRate } = distillationLossOfHeads(loss, {
            ...inputs,
            draft: { ...inputs.draft, hidden },
          })
          return { value, aux: acceptanceRate! }
        })
        expect(Number.isFinite(await value.item())).toBe(true)
        await expectAllClose(value, [expected.value], close)
        await expectAllClose(gradients, expected.gradient, close)
        const rates = labels.map((_, row) => alpha(row))
        await expectAllClose(aux, [total(rates) / rows], close)
      }
    })

  it('is finite where KLD of the whole vocabulary is not, and counts a label that cannot be said as none', async () => {
    const inputs = await given(4)
    const { losses } = kld.rows(inputs)
    const entropies = labelCrossEntropy.rows(inputs)
    const found = await losses.data()
    const surprise = await entropies.losses.data()
    for (const [row, label] of labels.entries()) {
      const { p, q, logP, logQ } = positionOf(rowOf(draft, row), rowOf(targetOfCovered, row))
      expect(found[row]).toBeCloseTo(total(q.map((mass, i) => mass * (logQ[i]! - logP[i]!))), 5)
      expect(surprise[row]).toBeCloseTo(covered.includes(label) ? -Math.log(p[covered.indexOf(label)]!) : 0, 5)
    }
    await expectAllClose(
      entropies.acceptanceRates!,
      labels.map((_, row) => alpha(row)),
      close,
    )
  })

  it('has no α where the target or what its logits come to is no number', async () => {
    for (const wrong of ['hidden', 'logNormalizers'] as const) {
      const inputs = await askedForThem()
      const tensor = inputs.target[wrong]
      const values = ((await tensor.data()) as Float32Array).slice()
      values.fill(Number.NaN, 0, tensor.size / rows) // of the first row
      const spoilt = tensor.device.tensor(values, { shape: tensor.shape })
      const { acceptanceRates } = tvd.rows({ ...inputs, target: { ...inputs.target, [wrong]: spoilt } })
      const rates = await acceptanceRates!.data()
      expect(rates[0]).toBeNaN()
      expect(rates[1]).toBeCloseTo(alpha(1), 5)
    }
  })

  it('leaves the padding of the target out', async () => {
    const { vocabularySize, ...inputs } = { ...(await given()), vocabularySize: 11 }
    const { acceptanceRates } = tvd.rows({ ...inputs, vocabularySize })
    const narrower = (row: number) => {
      const logits = rowOf(target, row).subarray(0, 11)
      const { p } = positionOf(rowOf(draft, row), rowOf(draft, row))
      const { q } = positionOf(logits, logits)
      return covered.reduce((sum, id, i) => sum + Math.min(p[i]!, q[id]!), 0)
    }
    await expectAllClose(
      acceptanceRates!,
      labels.map((_, row) => narrower(row)),
      close,
    )
  })

  it('refuses ids that are not one a row, and a target that is trimmed', async () => {
    const inputs = await given()
    const { head } = inputs.draft
    const short = { ...head, covered: { ...head.covered, ids: inputs.target.hidden.device.tensor(new Uint32Array(3)) } }
    const refused = (changed: object) => () => distillationLossOfHeads(tvd, { ...inputs, ...changed })
    expect(refused({ draft: { ...inputs.draft, head: short } })).toThrow(/one a row/)
    expect(refused({ target: inputs.draft })).toThrow(/Only a draft's head may/)
  })
})
