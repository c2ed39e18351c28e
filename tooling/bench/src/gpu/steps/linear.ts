import { linear } from '@outrider/tensor'
import { type FormatName, formats } from '@outrider/tensor/internal'
import { common } from '../../inputs'
import { randomMatrix, storedWeights } from '../random-model'
import type { GpuStep } from '../step'

const rowCounts = [1, 2, 4, 5, 8, 16]
/** Bytes of weights that are gone through between two runs over the same: more than any cache holds. */
const beyondCaches = 3e8

/** Rows over one row, as verification has them, over weights that no cache holds. */
export const linearStep: GpuStep = {
  name: 'linear',
  summary:
    'linear layers of 1 to 16 rows in every format, over weights larger than any cache; and the other shapes of a layer',
  limit: 90,
  async run({ device, timed, world: { target }, settings: { size }, emit }) {
    const { hiddenSize, intermediateSize, kvHeads, headDim, vocabularySize } = target
    const all = ['f32', ...(Object.keys(formats) as FormatName[])] as const
    const some = ['f16', 'q4_0'] as const
    const works = [
      ...all.map((format) => ({ k: hiddenSize, n: intermediateSize, format })),
      ...some.flatMap((format) => [
        { k: intermediateSize, n: hiddenSize, format },
        { k: hiddenSize, n: kvHeads * headDim, format },
        { k: hiddenSize, n: vocabularySize, format },
      ]),
    ]
    for (const { k, n, format } of works) {
      if (k % (format === 'f32' ? 1 : formats[format].elements) !== 0) continue
      const first = randomMatrix(device, format, [n, k])
      const copies = size === 'tiny' ? 2 : Math.max(2, Math.min(64, Math.ceil(beyondCaches / first.bytes)))
      const weights = [
        first,
        ...Array.from({ length: copies - 1 }, (_, i) => randomMatrix(device, format, [n, k], 2 + i)),
      ]
      const row = { case: `${k} → ${n}`, format }
      let one = 0
      for (const m of rowCounts) {
        const host = common.values(m * k, 1, 7)
        using x = device.tensor(host, { shape: [m, k] })
        const wrong = await check(linear(x, first), { host, format, k, n, m })
        const time = await timed((i) => linear(x, weights[i % copies]!).dispose(), 600)
        if (m === 1) one = time.ms
        emit({ ...row, rows: m, ...time, 'GB/s': first.bytes / time.ms / 1e6, of_one: time.ms / one, wrong })
      }
      for (const weight of weights) weight.dispose()
    }
  },
}

async function check(
  y: ReturnType<typeof linear>,
  { host, format, k, n, m }: { host: Float32Array; format: 'f32' | FormatName; k: number; n: number; m: number },
): Promise<string | undefined> {
  const result = await y.data()
  y.dispose()
  const stored = storedWeights(format, n * k, 1)
  const values = format === 'f32' ? new Float32Array(stored.buffer) : undefined
  const rowBytes = stored.length / n
  for (let s = 0; s < 12; s++) {
    const [i, j] = [s % m, (s * 997) % n]
    const row = values
      ? values.subarray(j * k, (j + 1) * k)
      : formats[format as FormatName].decode(stored.subarray(j * rowBytes, (j + 1) * rowBytes))
    let [wanted, size] = [0, 0]
    for (let l = 0; l < k; l++) {
      wanted += host[i * k + l]! * row[l]!
      size += (host[i * k + l]! * row[l]!) ** 2
    }
    const got = result[i * n + j]!
    if (!(Math.abs(got - wanted) <= 1e-3 * Math.abs(wanted) + 1e-3 * Math.sqrt(size)))
      return `element ${i}, ${j} is ${got}, and float64 says ${wanted}`
  }
  return undefined
}
