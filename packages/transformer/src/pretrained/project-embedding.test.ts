import { type Device, uniform01 } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryDirectory } from '../files/index'
import { createDraft } from './create-draft'
import { openCausalLM } from './load'
import type { PretrainedModel } from './pretrained-model'
import { projectEmbedding } from './project-embedding'
import { saveCausalLM } from './save'
import { tinyModel } from './tiny-model.fixture'

const [rows, hidden, width] = [258, 16, 6]
const counts = Float64Array.from({ length: rows }, (_, id) => (id % 3 === 0 ? 0 : id % 17))
let device: Device
let target: PretrainedModel
let table: number[][]
beforeAll(async () => {
  device = await testDevice()
  target = tinyModel(device, { eosTokenIds: [257] })
  // Some directions say more than others; and none is an axis.
  table = Array.from({ length: rows }, (_, id) => {
    const along = Array.from({ length: hidden }, (_, c) => (uniform01(5, id * hidden + c) - 0.4) * 0.7 ** c)
    return along.map((value, c) => value + 0.5 * along[(c + 3) % hidden]!)
  })
  target.model.parameters['model.embed_tokens.weight']!.write(Float32Array.from(table.flat()))
})

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

/** Eigenvectors of a symmetric matrix, the greatest eigenvalue first (Jacobi 1846), in float64. */
function eigenvectors(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length
  const a = matrix.map((row) => [...row])
  const v = a.map((_, r) => a.map((_, c) => (r === c ? 1 : 0)))
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!)
        const [c, s] = [Math.cos(angle), Math.sin(angle)]
        for (const m of [a, v])
          for (const row of m) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!]
        ;[a[p], a[q]] = [
          a[p]!.map((x, k) => c * x - s * a[q]![k]!),
          a[q]!.map((x, k) => c * x + s * a[p]![k]!),
        ].slice() as [number[], number[]]
      }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!)
  return order.map((i) => v.map((row) => row[i]!))
}

/** How the rows lie to one another, as a whole of size 1: the same for every basis of a subspace, and every scale. */
function gram(vectors: readonly (readonly number[])[]): number[] {
  const products = vectors.slice(0, 40).flatMap((a) => vectors.slice(0, 40).map((b) => dot(a, b)))
  const size = Math.sqrt(dot(products, products))
  return products.map((x) => x / size)
}

function principal(weights: readonly number[]): number[][] {
  const total = weights.reduce((a, b) => a + b)
  const mean = Array.from(
    { length: hidden },
    (_, c) =>
      dot(
        weights,
        table.map((row) => row[c]!),
      ) / total,
  )
  const centred = table.map((row) => row.map((x, c) => x - mean[c]!))
  const covariance = mean.map((_, i) =>
    mean.map(
      (_, j) =>
        dot(
          weights,
          centred.map((row) => row[i]! * row[j]!),
        ) / total,
    ),
  )
  const axes = eigenvectors(covariance).slice(0, width)
  return centred.map((row) => axes.map((axis) => dot(row, axis)))
}

const asRows = (values: Float32Array) =>
  Array.from({ length: rows }, (_, id) => [...values.subarray(id * width, (id + 1) * width)])

describe("the target's embedding in fewer columns", () => {
  it.each([
    ['by the root of their counts', counts],
    ['all ids alike', undefined],
  ])('is its principal components, %s, by float64', async (_, counts) => {
    const weights = Array.from({ length: rows }, (_, id) => (counts ? Math.sqrt(counts[id]!) : 1))
    const found = asRows(await projectEmbedding(target, { width, counts }))
    const wanted = gram(principal(weights))
    for (const [i, product] of gram(found).entries()) expect(product).toBeCloseTo(wanted[i]!, 5)
    const squares =
      dot(
        weights,
        found.map((row) => dot(row, row)),
      ) /
      weights.reduce((a, b) => a + b) /
      width
    expect(Math.sqrt(squares)).toBeCloseTo(Math.sqrt(2 / (5 * width)), 5)
  })

  it('is the same of a target that is only opened, leaves no memory behind, and repeats itself to the bit', async () => {
    const files = memoryDirectory()
    await saveCausalLM(target, files)
    const loaded = await projectEmbedding(target, { width, counts })
    const before = device.memory.liveBytes
    const opened = await projectEmbedding(await openCausalLM(files), { width, counts, device })
    expect(device.memory.liveBytes).toBe(before)
    expect(opened).toEqual(loaded)
  })

  it('is itself where it is as wide', async () => {
    const same = await projectEmbedding(target, { width: hidden, counts })
    expect([...same]).toEqual([...Float32Array.from(table.flat())])
  })

  it.each([
    [{ width: hidden + 1 }, /width is 17; it must be a whole number up to 16/],
    [{ width: 0 }, /width is 0/],
    [{ width, counts: [] }, /no id is counted/],
  ])('is refused of %o', async (options, message) => {
    await expect(projectEmbedding(target, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})

describe('a draft that begins with it', () => {
  const vocabulary = [3, 40, 97, 200]
  it.each([true, false])('has it as its embedding and its head, tied %s, of the ids that it covers', async (tied) => {
    const embedding = Float32Array.from({ length: rows * 8 }, (_, i) => i)
    const options = { layers: 1, hiddenSize: 8, heads: 2, tieWordEmbeddings: tied, vocabulary, embedding }
    const draft = createDraft(target, options)
    const { parameters, config } = draft.model
    expect(config.coveredIds).toEqual([...vocabulary, 257])
    expect(await parameters['model.embed_tokens.weight']!.data()).toEqual(embedding)
    if (!tied)
      expect([...(await parameters['lm_head.weight']!.data())]).toEqual(
        [...vocabulary, 257].flatMap((id) => [...embedding.subarray(id * 8, (id + 1) * 8)]),
      )
    draft.dispose()
  })

  it('refuses an embedding of another size, and ids that are not the target’s', () => {
    const sizes = { layers: 1, hiddenSize: 8, heads: 2 }
    expect(() => createDraft(target, { ...sizes, embedding: new Float32Array(8) })).toThrow(
      /has 8 numbers; 258 rows of 8/,
    )
    expect(() => createDraft(target, { ...sizes, vocabulary: [258] })).toThrow(/ids\[0\] is 258/)
  })
})
