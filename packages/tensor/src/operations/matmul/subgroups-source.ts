import { each } from '../each'
import { tileFrame } from './tile-frame'

/** The tile of a kernel `subgroups`, and how the operands lie; one of them at most is transposed. */
export interface SubgroupsForm {
  /** Rows of c that a workgroup computes, a multiple of the lanes or of 4. */
  readonly rows: number
  /** What a lane computes of a row: vectors of four neighbouring columns, or with transposeB single columns. */
  readonly columns: number
  /** Invocations of the workgroup, which is one subgroup. */
  readonly lanes: number
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/**
 * WGSL of c = op(a) · op(b), where a subgroup has one size: what the lanes need of a they load once between them and hand
 * round, so that each lane loads little but its own columns of b.
 *
 *   a: [m, k], or [k, m] with transposeA    b: [k, n], or [n, k] with transposeB    c: [m, n]
 *   k is a multiple of 4; so is n without transposeB, and m with transposeA
 *
 * A workgroup computes `rows` rows of `columns` vectors or columns a lane, which are `lanes` apart. Four steps of k at a time:
 * without transposeA a lane loads four k of every lanes-th row; with it, four neighbouring rows of one k in every `lanes`.
 * Each element is a sum over k in order, by fours with transposeB, whatever the number of rows. Tiles past the edge read the
 * last row or column again and write nothing. Workgroups in a line, columns fastest, folded over x and y.
 */
export function subgroupsSource({ rows, columns, lanes, transposeA, transposeB }: SubgroupsForm): string {
  const quads = Math.ceil(rows / 4)
  // What a lane loads of a for four steps of k, and how element (row i, step s) is found among the lanes.
  const held = transposeA ? Math.ceil((quads * 4) / lanes) : Math.ceil(rows / lanes)
  const loadA = transposeA
    ? each(held, (h) => {
        const number = `(lane + ${h * lanes}u)`
        return `let held${h} = load_a((k + ${number} / ${quads}u) * params.m4 + min(row / 4u + ${number} % ${quads}u, params.m4 - 1u));`
      })
    : each(held, (h) => `let held${h} = load_a(min(row + lane + ${h * lanes}u, params.m - 1u) * params.k4 + k / 4u);`)
  const shared = transposeA
    ? each(4, (s) =>
        each(quads, (q) => {
          const number = s * quads + q
          return `let x${s}_${q} = subgroupBroadcast(held${Math.floor(number / lanes)}, ${number % lanes}u);`
        }),
      )
    : each(rows, (i) => `let x${i} = subgroupBroadcast(held${Math.floor(i / lanes)}, ${i % lanes}u);`)
  const element = (i: number, s: number) => (transposeA ? `x${s}_${i >> 2}[${i & 3}]` : `x${i}[${s}]`)
  const type = transposeB ? 'f32' : 'vec4f'
  const outer = each(4, (s) =>
    each(
      columns,
      (j) =>
        `let y${s}_${j} = load_b((k + ${s}u) * params.n + b${j});\n  ${each(rows, (i) => `c${i}_${j} += ${element(i, s)} * y${s}_${j};`)}`,
    ),
  )
  const inner = each(
    columns,
    (j) =>
      `let y${j} = load_b(b${j} * params.k4 + k / 4u);\n  ${each(rows, (i) => `c${i}_${j} += dot(x${i}, y${j});`)}`,
  )
  const { begin, store } = tileFrame({ rows, columns, lanes }, ['m4', 'k4'])
  // n counts what a row of c has of its elements: vectors, or with transposeB numbers.
  return `enable subgroups;
${begin}
  ${each(rows, (i) => each(columns, (j) => `var c${i}_${j} = ${type}();`))}
  for (var k = first; k < end; k += 4u) {
    ${loadA}
    ${shared}
    ${transposeB ? inner : outer}
  }
  ${store}
}`
}
