import { add, type Device, embedding, matmul, multiply, OutriderError, subtract, type Tensor } from '@outrider/tensor'
import { normalPair } from '@outrider/tensor/internal'
import { storedToFloats } from '../files/index'
import { smallInit } from './create-draft'
import type { OpenedModel } from './opened-model'
import type { PretrainedModel } from './pretrained-model'

const table = 'model.embed_tokens.weight'

/** Rows of the table that are on the device at once. */
const rowsAtOnce = 4096

/** Steps of orthogonal iteration: the subspace that is found then has all but some thousandths of the variance of the best. */
const iterations = 24

export interface ProjectionOptions {
  /** Columns: the hidden size of the draft, at most the target's. */
  width: number
  /** By id, how often it is said (`countIds` of `@outrider/dataset`): what is said often keeps more. Default: all ids count alike. */
  counts?: ArrayLike<number> | undefined
  /** Where it is computed. Default: where the target is. */
  device?: Device | undefined
}

/**
 * The target's embedding in fewer columns, for a draft to begin with: its principal components (Pearson 1901), where id v counts
 * by √count(v), so that directions in which frequent tokens differ are kept. They are found by orthogonal iteration (Golub & Van
 * Loan, Matrix Computations, 8.2.4); the basis inside the subspace is any, as it is for a model whose other weights are random.
 * Columns have the size that a fresh draft's have. As wide as the target's it is that table itself. The same on every run of an
 * adapter.
 *
 * @param target  loaded (`loadCausalLM`), or only opened (`openCausalLM`): then its table is read
 * @returns f32 [vocabulary, width], row-major, for `createDraft`
 * @throws OutriderError INVALID_ARGUMENT for a width beyond the target's; what reading weights throws
 */
export async function projectEmbedding(
  target: Pick<PretrainedModel, 'config' | 'model'> | Pick<OpenedModel, 'config' | 'weights'>,
  { width, counts, ...options }: ProjectionOptions,
): Promise<Float32Array> {
  const { vocabularySize, hiddenSize } = target.config
  const device = options.device ?? ('model' in target ? target.model.device : undefined)
  if (!device) throw invalid('the target is on no device, and none is given')
  if (!(Number.isSafeInteger(width) && width > 0 && width <= hiddenSize))
    throw invalid(`width is ${width}; it must be a whole number up to ${hiddenSize}, the width of the target`)
  const rows = { device, target, vocabularySize }
  const projected = new Float32Array(vocabularySize * width)
  if (width === hiddenSize) {
    for await (const { first, part } of partsOf(rows)) projected.set(await readAndFree(part), first * width)
    return projected
  }
  const weightOf = (id: number) => (counts ? Math.sqrt(counts[id] ?? 0) : 1)
  const { mean, covariance } = await momentsOf(rows, weightOf)
  const basis = device.tensor(await principalSubspace(covariance, width), { shape: [hiddenSize, width] })
  for await (const { first, part } of partsOf(rows))
    projected.set(
      await readAndFree(
        device.scope(() => matmul(subtract(part, mean), basis)),
        part,
      ),
      first * width,
    )
  for (const tensor of [mean, covariance, basis]) tensor.dispose()
  return scaled(projected, width, weightOf)
}

interface TableRows {
  device: Device
  target: Pick<PretrainedModel, 'config' | 'model'> | Pick<OpenedModel, 'config' | 'weights'>
  vocabularySize: number
}

/** The table, some rows after another, f32 [rows, hidden]; each part is the caller's to free. */
async function* partsOf({
  device,
  target,
  vocabularySize,
}: TableRows): AsyncGenerator<{ first: number; part: Tensor }> {
  const { hiddenSize } = target.config
  for (let first = 0; first < vocabularySize; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, vocabularySize - first)
    if ('model' in target) {
      const ids = Uint32Array.from({ length: count }, (_, i) => first + i)
      const { parameters } = target.model
      yield { first, part: device.scope(() => embedding(parameters[table]!, device.tensor(ids))) }
    } else {
      const { weights } = target
      const values = storedToFloats(await weights.read(table, { first, count }), weights.tensors.get(table)!.dtype)
      yield { first, part: device.tensor(values, { shape: [count, hiddenSize] }) }
    }
  }
}

/** μ = Σ w·x / Σ w [1, hidden] and Σ w·(x xᵀ) / Σ w − μ μᵀ [hidden, hidden] of the rows x of the table. */
async function momentsOf(rows: TableRows, weightOf: (id: number) => number) {
  const { device } = rows
  let sums: { first: Tensor; second: Tensor } | undefined
  let total = 0
  for await (const { first, part } of partsOf(rows)) {
    const places = Array.from({ length: part.shape[0]! }, (_, i) => i).filter((i) => weightOf(first + i) > 0)
    if (places.length > 0) {
      const weights = places.map((i) => weightOf(first + i))
      for (const weight of weights) total += weight
      const before: typeof sums = sums
      sums = device.scope(() => {
        const x = embedding(part, device.tensor(Uint32Array.from(places))) // [n, hidden]
        const weighted = multiply(x, device.tensor(Float32Array.from(weights), { shape: [weights.length, 1] }))
        const ones = device.full([1, weights.length], 1)
        const found = { first: matmul(ones, weighted), second: matmul(x, weighted, { transposeA: true }) }
        return before ? { first: add(before.first, found.first), second: add(before.second, found.second) } : found
      })
      for (const tensor of Object.values(before ?? {})) tensor.dispose()
    }
    part.dispose()
  }
  if (!sums) throw invalid('no id is counted')
  const { first, second } = sums
  const moments = device.scope(() => {
    const mean = multiply(first, 1 / total)
    return { mean, covariance: subtract(multiply(second, 1 / total), matmul(mean, mean, { transposeA: true })) }
  })
  for (const tensor of [first, second]) tensor.dispose()
  return moments
}

/** An orthonormal basis, row-major [n, width], of the subspace in which a covariance [n, n] is greatest. */
async function principalSubspace(covariance: Tensor, width: number): Promise<Float32Array> {
  const { device } = covariance
  const n = covariance.shape[0]!
  const start = Float64Array.from({ length: n * width }, (_, i) => normalPair(0, i)[0])
  let basis = orthonormal(start, n, width)
  for (let i = 0; i < iterations; i++) {
    const product = device.scope(() => matmul(covariance, device.tensor(basis, { shape: [n, width] })))
    basis = orthonormal(await readAndFree(product), n, width)
  }
  return basis
}

/** Columns of a matrix [n, width] made orthonormal one after another (Gram and Schmidt, twice over), in float64. */
function orthonormal(matrix: ArrayLike<number>, n: number, width: number): Float32Array {
  const columns: Float64Array[] = []
  for (let c = 0; c < width; c++) {
    const column = Float64Array.from({ length: n }, (_, r) => matrix[r * width + c]!)
    for (let pass = 0; pass < 2; pass++)
      for (const before of columns) {
        let along = 0
        for (let r = 0; r < n; r++) along += before[r]! * column[r]!
        for (let r = 0; r < n; r++) column[r]! -= along * before[r]!
      }
    const size = Math.hypot(...column)
    // Of what has fewer dimensions than columns are asked for, the rest are 0.
    columns.push(column.map((value) => (size > 1e-30 ? value / size : 0)))
  }
  return Float32Array.from({ length: n * width }, (_, i) => columns[i % width]![Math.floor(i / width)]!)
}

/** Rows of the root mean square, over ids as they count, that fresh weights of such a draft have. */
function scaled(rows: Float32Array, width: number, weightOf: (id: number) => number): Float32Array {
  let [squares, total] = [0, 0]
  for (let id = 0; id * width < rows.length; id++) {
    const weight = weightOf(id)
    total += weight * width
    for (let i = id * width; i < (id + 1) * width; i++) squares += weight * rows[i]! ** 2
  }
  const factor = squares > 0 ? smallInit(width) / Math.sqrt(squares / total) : 1
  return rows.map((value) => value * factor)
}

async function readAndFree(tensor: Tensor, ...others: readonly Tensor[]): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array
  for (const each of [tensor, ...others]) each.dispose()
  return values
}

const invalid = (what: string) => new OutriderError('INVALID_ARGUMENT', `projectEmbedding: ${what}.`)
