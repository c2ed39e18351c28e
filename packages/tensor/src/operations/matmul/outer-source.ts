import { each } from '../each'
import { tileFrame } from './tile-frame'

/**
 * WGSL of c = op(a) · b by outer products: b runs along n in memory, so lanes take neighbouring columns, and an element of a
 * is the same for all of them. op(a) is a or its transpose, by strides.
 *
 *   a: [m, k] or [k, m], read at aRow and aStep    b: [k, n]    c: [m, n]
 *
 * An invocation holds `rows` × `columns` elements of c, its columns `lanes` apart, each a sum over k in order. Tiles past the
 * edge read the last row or column again and write nothing. Workgroups of `lanes` in a line, columns fastest, folded over x
 * and y.
 */
export function outerSource(rows: number, columns: number, lanes: number): string {
  const { begin, store } = tileFrame({ rows, columns, lanes }, ['aRow', 'aStep'])
  return `${begin}
  ${each(rows, (i) => `let a${i} = min(row + ${i}u, params.m - 1u) * params.aRow;`)}
  ${each(rows, (i) => each(columns, (j) => `var c${i}_${j} = 0.0;`))}
  var bk = first * params.n;
  var ak = first * params.aStep;
  for (var k = first; k < end; k++) {
    ${each(columns, (j) => `let y${j} = load_b(bk + b${j});`)}
    ${each(rows, (i) => `let x${i} = load_a(a${i} + ak);\n  ${each(columns, (j) => `c${i}_${j} += x${i} * y${j};`)}`)}
    bk += params.n;
    ak += params.aStep;
  }
  ${store}
}`
}
