import { type Device, type MatmulKernelName, type MatmulOptions, matmul, type Tensor } from '@outrider/tensor'
import { formats, tileNames } from '@outrider/tensor/internal'
import { common } from '../../inputs'
import type { GpuStep } from '../step'

const forms: Readonly<Record<string, Pick<MatmulOptions, 'transposeA' | 'transposeB'>>> = {
  nn: {},
  nt: { transposeB: true },
  tn: { transposeA: true },
}
const kernels: readonly (MatmulKernelName | undefined)[] = [
  undefined,
  'outer',
  'dot',
  'subgroups',
  'matrices',
  ...tileNames.filter((name) => name !== 'tiled32x64'),
]
const checked = 24

/** n³ in the three forms that training has, f32 and f16, by every kernel that takes it. */
export const matmulStep: GpuStep = {
  name: 'matmul',
  summary: 'a large matmul in the forms of training, f32 and f16, by kernel',
  limit: 60,
  async run({ device, timed, world: { side: n }, emit }) {
    const [a, b] = [common.values(n * n, 1, 1), common.values(n * n, 1, 2)] as const
    for (const dtype of ['f32', ...(device.capabilities.shaderF16 ? (['f16'] as const) : [])] as const) {
      const tensor = (values: Float32Array) =>
        dtype === 'f32'
          ? device.tensor(values, { shape: [n, n] })
          : device.tensor(formats.f16.encode!(values), { shape: [n, n], dtype })
      const [x, y] = [tensor(a), tensor(b)]
      for (const [form, options] of Object.entries(forms))
        for (const kernel of kernels) {
          const name = { case: `${n}³ ${dtype} ${form}`, kernel: kernel ?? 'chosen' }
          let product: Tensor
          try {
            product = matmul(x, y, { ...options, kernel })
          } catch {
            // This kernel does not take the form here. What a GPU has or has not is told once.
            if (kernel === 'matrices' && form === 'nn') emit({ ...name, skipped: lacking(device) })
            continue
          }
          const off = await farthest(product, { a, b, n, form })
          product.dispose()
          const bound = dtype === 'f32' ? 1e-4 : 2e-2
          const time = await timed(() => matmul(x, y, { ...options, kernel }).dispose(), 30)
          emit({
            ...{ ...name, ...time, 'TFLOP/s': (2 * n ** 3) / time.ms / 1e9 },
            wrong: off <= bound ? undefined : `${off} from float64`,
          })
        }
      x.dispose()
      y.dispose()
    }
  },
}

const lacking = ({ capabilities: { matrixUnits } }: Device) =>
  matrixUnits
    ? `its matrix units take no such tile: ${matrixUnits.map(({ component, m, n, k }) => `${component} ${m} × ${n} × ${k}`).join(', ')}`
    : 'its subgroups have no matrix units with sums of f32'

/** How far some elements are from float64, over what the sums are of. */
async function farthest(
  product: Tensor,
  { a, b, n, form }: { a: Float32Array; b: Float32Array; n: number; form: string },
): Promise<number> {
  const data = await product.data()
  let worst = 0
  for (let s = 0; s < checked; s++) {
    const [i, j] = [(s * 997) % n, (s * 1511 + 3) % n]
    let wanted = 0
    for (let l = 0; l < n; l++)
      wanted += (form === 'tn' ? a[l * n + i]! : a[i * n + l]!) * (form === 'nt' ? b[j * n + l]! : b[l * n + j]!)
    const got = data instanceof Float32Array ? data[i * n + j]! : halfAt(data, i * n + j)
    worst = Math.max(worst, Math.abs(got - wanted) / (Math.sqrt(n) + Math.abs(wanted)))
    if (Number.isNaN(got)) return Number.NaN
  }
  return worst
}

const halfAt = ({ buffer, byteOffset }: ArrayBufferView, i: number): number =>
  formats.f16.decode(new Uint8Array(buffer, byteOffset + 2 * i, 2))[0]!
