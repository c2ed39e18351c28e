import type { MatrixUnit } from '../../device/matrix-units'

/**
 * The text of a kernel of matrix units, for devices without them: one invocation stands for a subgroup, and what subgroups do as
 * a whole it does element by element, with the very offsets, strides and sides that the text has. Halves are f32. A matrix that
 * does not begin, or whose lines do not, at 16 bytes, makes the sums NaN. Sums are kept in `heldSums`, as many numbers as the tiles
 * of all workgroups have.
 */
export function emulated(source: string, { component, m, n, k }: MatrixUnit): string {
  const aligned = 16 / (component === 'f16' ? 2 : 4)
  const sums: string[] = []
  const placeOf = (sum: string) => `${sums.indexOf(sum) * m * n}u`
  const text = source
    .replace(/^(?:enable|diagnostic|alias)\b.*$/gm, '')
    .replace(/\bf16\b/g, 'f32')
    .replace(
      /@builtin\(subgroup_id\) (\w+): u32, @builtin\(subgroup_invocation_id\) (\w+): u32,\n\) \{/,
      ') {\n  mine = (4u * (group.x + group.y * groups.x) + lane) * held;\n  let $1 = lane;\n  let $2 = 0u;',
    )
    .replace(/var (\w+) = Sum\(\);/g, (_, sum) => {
      sums.push(sum)
      return `clearSum(${placeOf(sum)});`
    })
    .replace(
      /subgroupMatrixLoad<(\w+)(?:, (row|col)_major)?>\(&(\w+), ([^;,]+)(?:, (true|false))?, (\d+u)\)/g,
      (_, type, side, memory, at, argument, stride) => {
        if (memory !== { Left: 'tileA', Right: 'tileB' }[type as string]) throw new Error(`${type} is of ${memory}`)
        return `Matrix(${at}, ${stride}, ${argument ?? side === 'col'})`
      },
    )
    .replace(
      /(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \1\);/g,
      (_, sum, left, right) => `multiplyAccumulate(${left}, ${right}, ${placeOf(sum)});`,
    )
    .replace(
      /subgroupMatrixStore(?:<row_major>)?\(&sums, ([^;,]+), (\w+)(?:, false)?, (\d+u)\);/g,
      (_, at, sum, stride) => `storeSum(${at}, ${stride}, ${placeOf(sum)});`,
    )
  const left = /subgroup.*/.exec(text)
  if (left || sums.length === 0) throw new Error(`what is this: ${left?.[0] ?? 'no sums'}`)
  return `/** Where a matrix lies in workgroup memory. */
struct Matrix { at: u32, stride: u32, byColumns: bool }
fn placeIn(matrix: Matrix, r: u32, c: u32) -> u32 {
  return matrix.at + select(matrix.stride * r + c, matrix.stride * c + r, matrix.byColumns);
}
fn isAligned(matrix: Matrix) -> bool { return matrix.at % ${aligned}u == 0u && matrix.stride % ${aligned}u == 0u; }
const held = ${sums.length * m * n}u; // of a subgroup
@group(0) @binding(3) var<storage, read_write> heldSums: array<f32>;
var<private> mine: u32;
fn clearSum(sum: u32) {
  for (var e = 0u; e < ${m * n}u; e++) { heldSums[mine + sum + e] = 0.0; }
}
fn multiplyAccumulate(left: Matrix, right: Matrix, sum: u32) {
  let off = select(bitcast<f32>(0x7fc00000u + left.at), 0.0, isAligned(left) && isAligned(right));
  for (var e = 0u; e < ${m * n}u; e++) {
    var total = off;
    for (var i = 0u; i < ${k}u; i++) {
      total += tileA[placeIn(left, e / ${n}u, i)] * tileB[placeIn(right, i, e % ${n}u)];
    }
    heldSums[mine + sum + e] += total;
  }
}
fn storeSum(at: u32, stride: u32, sum: u32) {
  for (var e = 0u; e < ${m * n}u; e++) { sums[at + e / ${n}u * stride + e % ${n}u] = heldSums[mine + sum + e]; }
}
${text}`
}
