import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel } from '../../kernel'
import type { Tensor } from '../../tensor'
import source from './plain.wgsl'

const plain = defineKernel({ name: 'matmulPlain', source })

export interface MatmulOptions {
  /** Read a as its transpose. */
  transposeA?: boolean
  /** Read b as its transpose: b is then [n, k], as weights of linear layers are. */
  transposeB?: boolean
}

/**
 * op(a) · op(b). Leading axes of a are rows, unless a is transposed.
 *
 * @param a  f32 [..., m, k], or [k, m] with transposeA
 * @param b  f32 [k, n], or [n, k] with transposeB
 * @returns f32 [..., m, n]
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  const columns = a.shape.at(-1) ?? 1
  const rows = a.size / columns
  const [m, k] = transposeA ? [columns, rows] : [rows, columns]
  const [n, bk] = transposeB ? [b.shape[0]!, b.shape[1]!] : [b.shape[1]!, b.shape[0]!]
  if (b.shape.length !== 2 || k !== bk || (transposeA && a.shape.length !== 2))
    throw new ShapeError('matmul', [a.shape, b.shape], 'the inner dimensions differ')
  const c = a.device.empty(transposeA ? [m, n] : [...a.shape.slice(0, -1), n])
  a.device.run(plain, {
    bindings: { a, b, c },
    params: {
      m,
      n,
      k,
      aRow: transposeA ? 1 : k,
      aColumn: transposeA ? m : 1,
      bRow: transposeB ? 1 : n,
      bColumn: transposeB ? k : 1,
    },
    workgroups: [Math.ceil(n / 32), Math.ceil(m / 2)],
  })
  return differentiable(c, {
    name: 'matmul',
    inputs: [a, b],
    gradient: (dc) => [
      () => gradientA(dc, a, b, transposeA, transposeB),
      () => gradientB(dc, a, b, transposeA, transposeB),
    ],
  })
}

function gradientA(dc: Tensor, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const da = transposeA
    ? matmul(b, dc, { transposeA: transposeB, transposeB: true })
    : matmul(dc, b, { transposeB: !transposeB })
  return da.reshape(a.shape)
}

function gradientB(dc: Tensor, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const rows = (x: Tensor) => x.reshape([x.size / x.shape.at(-1)!, x.shape.at(-1)!])
  const [left, right] = transposeB ? [rows(dc), rows(a)] : [rows(a), rows(dc)]
  // op(b) = op(a)ᵀ · dc, so for b as its transpose dcᵀ · op(a).
  const db = transposeB
    ? matmul(left, right, { transposeA: true, transposeB: transposeA })
    : matmul(left, right, { transposeA: !transposeA })
  return db.reshape(b.shape)
}
