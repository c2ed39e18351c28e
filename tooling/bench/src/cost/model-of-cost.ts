import { partNames, type TileName, tileNames } from '@outrider/tensor/internal'
import { worlds } from '../gpu/world'
import type { Row } from '../suite'
import { attentionCost } from './attention'
import { adamwCost, embeddingCost, embeddingGradientCost, pointwiseCost, ropeCost, squaredNormCost } from './elements'
import { flashCost } from './flash'
import { expected, type Gpu, gpus, type KernelCost } from './gpu'
import { dotCost, matricesCost, outerCost, type Product, skinnyCost, tileCost } from './products'
import {
  categoricalCost,
  crossEntropyCost,
  crossEntropyGradientCost,
  distributionCost,
  greedyCost,
  lossGradientCost,
  lossSumsCost,
  normCost,
} from './rows'

/** A kernel at a shape. Its plan goes by the GPU's subgroups. */
interface Case {
  shape: string
  /** Undefined where a GPU has not what it takes. */
  cost: (gpu: Gpu) => KernelCost | undefined
}

const weights = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32, f32: 4 }

const product = (m: number, n: number, k: number, format: keyof typeof weights): Product & { shape: string } => ({
  ...{ m, n, k, weightBytes: weights[format] },
  shape: `${m} × ${n} × ${k} ${format}`,
})

const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabularySize } = worlds['1.1B'].target

/** Decoding and verification: rows of one sequence over a 1.1 B Llama's widest layer, and over SmolLM2-135M's. */
const fewRows: readonly Case[] = [1, 4, 8, 16].flatMap((m) =>
  [
    product(m, intermediateSize, hiddenSize, 'f16'),
    product(m, intermediateSize, hiddenSize, 'q4_0'),
    product(m, 576, 1536, 'q8_0'),
  ].flatMap(({ shape, ...of }) => [
    { shape, cost: (gpu: Gpu) => skinnyCost(of, gpu) },
    { shape, cost: () => dotCost(of) },
  ]),
)

/** Prompts and training: the same layers over many rows. */
const manyRows: readonly Case[] = [32, 512, 2048].flatMap((m) =>
  [
    product(m, intermediateSize, hiddenSize, 'f16'),
    product(m, intermediateSize, hiddenSize, 'q4_0'),
    product(m, 1536, 576, 'f16'),
  ].flatMap(({ shape, ...of }) => [
    ...tileNames
      .filter((name) => !name.startsWith('tiled128x128'))
      .map((name: TileName) => ({ shape, cost: () => tileCost(name, of) })),
    { shape, cost: (gpu: Gpu) => matricesCost(of, gpu) },
  ]),
)

/** The products of a training step: x · wᵀ, dy · w, dyᵀ · x are of one size. */
const training: readonly Case[] = [product(2048, 1536, 576, 'f32'), product(512, 49_152, 576, 'f32')].flatMap(
  ({ shape, ...of }) => [
    ...tileNames
      .filter((name) => name !== 'tiled32x64')
      .map((name: TileName) => ({ shape, cost: () => tileCost(name, of, 'matmul') })),
    { shape, cost: () => outerCost(of) },
  ],
)

const attention: readonly Case[] = [
  [1, 2047],
  [8, 2040],
  [16, 8176],
  [512, 0],
  [2048, 0],
].flatMap(([rows, start]) =>
  (['f32', 'f16', 'q8_0'] as const).flatMap((cache) =>
    // How few rows are cut is for tuning to choose.
    [undefined, ...(rows! <= 16 && cache === 'f16' ? partNames : [])].map((parts) => ({
      shape: `${rows} rows behind ${start}, ${heads} heads, ${kvHeads} of keys in ${cache}`,
      cost: (gpu: Gpu) =>
        attentionCost(
          { ...{ rows: rows!, start: start!, heads, kvHeads, headDim, parts }, cacheBytes: weights[cache] },
          gpu,
        ),
    })),
  ),
)

/** Many rows by tiles in workgroup memory, and what training computes of them. */
const tilesOfKeys: readonly Case[] = [512, 2048].flatMap((rows) => {
  const of = { rows, start: 0, heads, kvHeads, headDim }
  const shape = `${rows} rows behind 0, ${heads} heads, ${kvHeads} of keys in`
  return [
    { shape: `${shape} f32`, cost: () => flashCost({ ...of, cacheBytes: 4 }) },
    { shape: `${shape} f16`, cost: () => flashCost({ ...of, cacheBytes: 2 }) },
    { shape: `${shape} f32`, cost: () => flashCost({ ...of, cacheBytes: 4 }, 'queryGradient') },
    { shape: `${shape} f32`, cost: () => flashCost({ ...of, cacheBytes: 4 }, 'keyGradient') },
  ]
})

/** What is between the products, of one row and of a prompt or a batch. */
const between: readonly Case[] = [1, 8, 2048].flatMap((rows) => {
  const hidden = { rows, columns: hiddenSize }
  return [
    { shape: `${rows} × ${hiddenSize}`, cost: (gpu: Gpu) => normCost(hidden, gpu) },
    {
      shape: `${rows} rows, ${heads} heads, ${kvHeads} of keys`,
      cost: () => ropeCost({ rows, heads, kvHeads, headDim, cacheBytes: 4 }),
    },
    {
      shape: `${rows} × ${intermediateSize}`,
      cost: () => pointwiseCost('gated (silu)', { size: rows * intermediateSize, inputs: 2, operations: 8 }),
    },
    {
      shape: `${rows} × ${hiddenSize}`,
      cost: () => pointwiseCost('add', { size: rows * hiddenSize, inputs: 2, operations: 1 }),
    },
    { shape: `${rows} × ${hiddenSize} q8_0`, cost: () => embeddingCost({ ...hidden, weightBytes: weights.q8_0 }) },
  ]
})

const sampling: readonly Case[] = [1, 8].flatMap((rows) =>
  [vocabularySize, 151_936].flatMap((columns) => {
    const of = { rows, columns }
    const shape = `${rows} × ${columns}`
    return [
      { shape, cost: (gpu: Gpu) => greedyCost(of, gpu) },
      { shape, cost: (gpu: Gpu) => distributionCost({ ...of, topP: false }, gpu) },
      { shape, cost: (gpu: Gpu) => distributionCost({ ...of, topP: true }, gpu) },
      { shape, cost: (gpu: Gpu) => categoricalCost(of, gpu) },
    ]
  }),
)

const losses: readonly Case[] = [
  [512, 32_000],
  [512, 49_152],
].flatMap(([rows, columns]) => {
  const of = { rows: rows!, columns: columns! }
  const shape = `${rows} × ${columns}`
  return [crossEntropyCost, crossEntropyGradientCost, lossSumsCost, lossGradientCost].map((cost) => ({
    shape,
    cost: (gpu: Gpu) => cost(of, gpu),
  }))
})

const optimizer: readonly Case[] = [
  ...[115e6, 1.1e9].flatMap((parameters) => [
    { shape: `${parameters / 1e6} M parameters`, cost: () => squaredNormCost({ parameters }) },
    { shape: `${parameters / 1e6} M parameters`, cost: () => adamwCost({ parameters }) },
  ]),
  {
    shape: `2048 × 1024 of ${vocabularySize}`,
    cost: () => embeddingGradientCost({ rows: 2048, columns: 1024, vocabulary: vocabularySize }),
  },
]

const works: Readonly<Record<string, readonly Case[]>> = {
  'few rows': fewRows,
  'many rows': manyRows,
  training,
  attention: [...attention, ...tilesOfKeys],
  'between layers': between,
  sampling,
  losses,
  optimizer,
}

/** A row for each kernel and shape: what it costs, and what to expect of it on each GPU. */
export function modelOfCost(): Row[] {
  return Object.entries(works).flatMap(([work, cases]) =>
    cases.map(({ shape, cost }) => {
      // Bytes and operations are the same on all; workgroups as the first has them.
      const of = cost(gpus[0]!)!
      return {
        work,
        shape,
        kernel: of.kernel,
        GFLOP: round(of.operations / 1e9),
        'MB loaded': round(of.bytes / 1e6),
        'MB at least': round(of.leastBytes / 1e6),
        KiB: round(of.workgroupBytes / 1024),
        registers: Math.round(of.registers),
        ...Object.fromEntries(
          gpus.map((gpu) => {
            const there = cost(gpu)
            if (!there) return [gpu.name, 'not there']
            const { milliseconds, ofRoof, perCore } = expected(gpu, there)
            return [gpu.name, `${round(milliseconds)} ms, ${Math.round(100 * ofRoof)} %, ${perCore} a core`]
          }),
        ),
      }
    }),
  )
}

const round = (value: number): number => Number(value.toPrecision(3))
