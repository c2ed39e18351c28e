import { type FormatName, formats, type TileName, tileNames } from '@outrider/tensor/internal'
import type { World } from '../gpu/world'
import type { Row } from '../suite'
import { attentionCost } from './attention'
import { flashCost } from './flash'
import { expected, type Gpu, gpus, type KernelCost } from './gpu'
import { outerCost, skinnyCost, tileCost } from './products'

/**
 * What was measured beside the model: the rows of the suite `gpu` whose kernel is modelled, with the share that they reached of the
 * roof of that run (its fastest copy, its fastest f32 product), and the shares that are expected on the GPUs of the model.
 *
 * @param rows   as the suite writes them with `--rows`
 * @param world  the shapes that it ran
 * @throws Error where the run has no copy and no product: then it has no roof
 */
export function compared(rows: readonly Row[], world: World): Row[] {
  const most = (step: string, unit: string) =>
    rows
      .filter((row) => row.step === step && !String(row.case).includes('f16'))
      .reduce((best, row) => Math.max(best, Number(row[unit] ?? 0)), 0)
  const [bandwidth, operations] = [1e9 * most('copy', 'GB/s'), 1e12 * most('matmul', 'TFLOP/s')]
  if (!(bandwidth > 0 && operations > 0))
    throw new Error('There is nothing to compare with: the steps copy and matmul say where the roof is.')
  return rows.flatMap((row) => {
    const costOf = modelled(row, world)
    const ms = Number(row.ms)
    if (!costOf || !(ms > 0)) return []
    const { kernel, leastBytes, leastOperations } = costOf(gpus[0]!)
    const least = 1000 * Math.max(leastBytes / bandwidth, leastOperations / operations)
    return [
      {
        step: String(row.step),
        case: `${row.case}${row.rows === undefined ? '' : `, ${row.rows} rows`}${row.format === undefined ? '' : ` ${row.format}`}`,
        kernel,
        ms,
        'ms at least': Number(least.toPrecision(3)),
        'of roof': percent(least / ms),
        ...Object.fromEntries(gpus.map((gpu) => [gpu.name, percent(expected(gpu, costOf(gpu)).ofRoof)])),
      },
    ]
  })
}

const percent = (share: number): string => `${Math.round(100 * share)} %`

/** What a row of the suite cost by the model; undefined where that does not have it. */
function modelled(row: Row, { target, side }: World): ((gpu: Gpu) => KernelCost) | undefined {
  const { heads, kvHeads, headDim, hiddenSize: k, intermediateSize: n } = target
  const name = String(row.case)
  switch (row.step) {
    case 'linear': {
      const m = Number(row.rows)
      const format = String(row.format)
      if (format !== 'f32' && !Object.hasOwn(formats, format)) return undefined
      const stored = formats[format as FormatName]
      const weightBytes = format === 'f32' ? 4 : stored.bytes / stored.elements
      return (gpu) => skinnyCost({ m, n, k, weightBytes }, gpu)
    }
    case 'matmul': {
      if (!name.includes('f32')) return undefined
      const cube = { m: side, n: side, k: side, weightBytes: 4 }
      if (row.kernel === 'outer') return () => outerCost(cube)
      const tile = row.kernel === 'chosen' ? 'tiled128x128' : tileNames.find((one) => one === row.kernel)
      return tile && ((): KernelCost => tileCost(tile as TileName, cube, 'matmul'))
    }
    case 'attention': {
      const [, rows, keys] = /^(\d+) rows over (\d+)$/.exec(name) ?? []
      if (!rows) return undefined
      const of = { rows: Number(rows), start: Number(keys) - Number(rows), heads, kvHeads, headDim, cacheBytes: 4 }
      if (row.kernel === 'flash' || (row.kernel === 'chosen' && of.rows > 16)) return () => flashCost(of)
      return (gpu) => attentionCost(of, gpu)
    }
    default:
      return undefined
  }
}
