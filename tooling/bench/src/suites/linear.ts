import { type Device, type LinearKernelName, linear, type Tensor } from '@outrider/tensor'
import { type FormatName, formats, isOnCpu } from '@outrider/tensor/internal'
import { randomWeights } from '@outrider/tensor/testing'
import { ofCeiling } from '../ceilings'
import { median, rounded } from '../compare'
import { kernelTimes } from '../kernel-times'
import { common } from '../peers'
import type { Row, Suite } from '../suite'

const [k, n] = [1024, 4096]
const mostRows = 16
const rounds = 7

/** The chosen one and the generations before it that this device takes. */
const kernelsOf = ({ capabilities }: Device): (LinearKernelName | undefined)[] =>
  isOnCpu(capabilities) ? [undefined, 'subgroups', 'dot'] : [undefined, 'dot']

/** Time by number of rows: whether verifying a block costs what decoding one token does. */
export const linearSuite: Suite = {
  name: 'linear',
  summary: `a linear layer [M × ${k}] · [${k} × ${n}] for every M of 1 … ${mostRows}, in f32 and every format of weights`,
  async run({ device, ceilings, note, profile, now }) {
    const rows: Row[] = []
    const kernels = kernelsOf(device)
    for (const format of ['f32', ...(Object.keys(formats) as FormatName[])] as const) {
      note(format)
      const { weight, host } = weightsOf(device, format)
      const x = common.values(mostRows * k, 1, 7)
      const inputs = Array.from({ length: mostRows }, (_, i) =>
        device.tensor(x.subarray(0, (i + 1) * k), { shape: [i + 1, k] }),
      )
      for (const kernel of kernels) await check(linear(inputs.at(-1)!, weight, { kernel }), x, host, format)
      const times = kernels.map(() => inputs.map(() => [] as number[]))
      for (let round = 0; round <= rounds; round++)
        for (const [i, kernel] of kernels.entries())
          for (const [j, input] of inputs.entries()) {
            const start = now()
            linear(input, weight, { kernel }).dispose()
            await device.idle()
            if (round > 0) times[i]![j]!.push(1000 * (now() - start))
          }
      for (const [i, kernel] of kernels.entries()) {
        const medians = times[i]!.map(median)
        const [one] = medians as [number]
        const ofRows = (m: number) => medians[m - 1]! / one
        rows.push({
          weights: format,
          kernel: kernel ?? 'chosen',
          one_row_ms: rounded(one),
          'GB/s': rounded(weight.bytes / one / 1e6),
          of_ceiling: rounded(ofCeiling({ bytes: weight.bytes, operations: 2 * k * n }, ceilings, one)),
          ...Object.fromEntries([2, 4, 5, 6, 8, 16].map((m) => [`×${m}`, rounded(ofRows(m))])),
          'M = 1 … 16': bars(medians.map((time) => time / one)),
          times_one_row: medians.map((time) => rounded(time / one)),
        })
      }
      if (profile)
        profile.push(
          ...(await kernelTimes(device, `${format}, M = 8`, async () => linear(inputs[7]!, weight).dispose())),
        )
      for (const tensor of [weight, ...inputs]) tensor.dispose()
    }
    return rows
  },
}

/** A matrix of a format, and what its elements mean. */
function weightsOf(device: Device, format: 'f32' | FormatName): { weight: Tensor; host: Float32Array } {
  const shape = [n, k]
  if (format === 'f32') {
    const host = common.values(n * k, 0.1, 8)
    return { weight: device.tensor(host, { shape }), host }
  }
  const stored = randomWeights(format, n * k, 8)
  return { weight: device.tensor(stored, { shape, dtype: format }), host: formats[format].decode(stored) }
}

/** Some elements against float64. */
async function check(y: Tensor, x: Float32Array, weight: Float32Array, format: string): Promise<void> {
  const result = await y.data()
  y.dispose()
  for (let i = 0; i < result.length; i += 1337) {
    const [row, column] = [Math.floor(i / n), i % n]
    let wanted = 0
    for (let j = 0; j < k; j++) wanted += x[row * k + j]! * weight[column * k + j]!
    if (!(Math.abs(result[i]! - wanted) <= 1e-3 * Math.abs(wanted) + 2e-4))
      throw new Error(`linear of ${format}: element ${i} is ${result[i]}, and float64 says ${wanted}.`)
  }
}

/** A curve in a line: full height is the largest. */
function bars(values: readonly number[]): string {
  const steps = '▁▂▃▄▅▆▇█'
  const most = Math.max(...values)
  return values.map((value) => steps[Math.max(0, Math.ceil((value / most) * 8) - 1)]).join('')
}
