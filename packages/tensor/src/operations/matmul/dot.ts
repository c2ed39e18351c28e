import { defineKernel, type Kernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'
import { type DotForm, dotSource } from './dot-source'

/** Operands of a dot kernel: c = a · bᵀ and what is asked for on the way. Shapes: dot-source.ts. */
export interface DotOperands {
  a: Tensor
  b: Tensor
  c: Tensor
  norm?: { weight: Tensor; epsilon: number } | undefined
  bias?: Tensor | undefined
  residual?: Tensor | undefined
  up?: Tensor | undefined
}

/** Runs a dot kernel with tiles of so many rows and columns. */
export function runDot(
  { rows, columns }: { rows: number; columns: number },
  { a, b, c, norm, bias, residual, up }: DotOperands,
): void {
  const [n, k] = b.shape as [number, number]
  const m = a.size / k
  const width = k % 4 === 0 ? 4 : 1
  const epilogue = up ? 'swiglu' : residual ? 'residual' : 'none'
  const tilesAcross = Math.ceil(n / columns)
  const tiles = tilesAcross * Math.ceil(m / rows)
  a.device.run(dotKernel({ rows, columns, width, normed: norm !== undefined, biased: bias !== undefined, epilogue }), {
    ...rowReduction(k / width, a.device.capabilities),
    bindings: {
      a,
      b,
      c,
      ...(up && { up }),
      ...(norm && { gain: norm.weight }),
      ...(bias && { bias }),
      ...(residual && { residual }),
    },
    params: { m, n, k: k / width, tilesAcross, tiles, ...(norm && { epsilon: norm.epsilon }) },
    workgroups: linearWorkgroups(tiles),
  })
}

const kernels = new Map<string, Kernel>()

/** The kernel of a form; its text is made once. */
function dotKernel(form: DotForm): Kernel {
  const { rows, columns, width, normed, biased, epilogue } = form
  const name = `matmulDot${rows}x${columns}x${width}${normed ? 'Normed' : ''}${biased ? 'Biased' : ''}${epilogue === 'none' ? '' : `-${epilogue}`}`
  let kernel = kernels.get(name)
  if (!kernel) {
    kernel = defineKernel({ name, source: dotSource(form) })
    kernels.set(name, kernel)
  }
  return kernel
}
