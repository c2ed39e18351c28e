import type { MatrixUnit } from '../../device/matrix-units'

/**
 * The text of a kernel of matrix units, for devices without them: one invocation stands for a subgroup, and what subgroups do as
 * a whole it does element by element, with the very offsets, strides and sides that the text has. Halves are f32. A matrix that
 * does not begin, or whose lines do not, at 16 bytes, is NaN.
 */
export function emulated(source: string, { component, m, n, k }: MatrixUnit): string {
  const lines = 16 / (component === 'f16' ? 2 : 4)
  const load = (type: string, memory: string, rows: number, columns: number) => `
fn load${type}(at: u32, stride: u32, byColumns: bool) -> ${type} {
  var matrix = ${type}();
  for (var e = 0u; e < ${rows * columns}u; e++) {
    let r = e / ${columns}u;
    let c = e % ${columns}u;
    matrix[e] = ${memory}[at + select(stride * r + c, stride * c + r, byColumns)];
    if (at % ${lines}u != 0u || stride % ${lines}u != 0u) { matrix[e] = bitcast<f32>(0x7fc00000u + r); }
  }
  return matrix;
}`
  const text = source
    .replace(/^(?:enable|diagnostic|alias)\b.*$/gm, '')
    .replace(/\bf16\b/g, 'f32')
    .replace(
      /@builtin\(subgroup_id\) quarter: u32, @builtin\(subgroup_invocation_id\) laneOfQuarter: u32,\n\) \{/,
      ') {\n  let quarter = lane;\n  let laneOfQuarter = 0u;',
    )
    .replace(
      /subgroupMatrixLoad<(\w+)(?:, (row|col)_major)?>\(&(\w+), ([^;,]+)(?:, (true|false))?, (\d+u)\)/g,
      (_, type, side, memory, at, argument, stride) => {
        if (memory !== { Left: 'tileA', Right: 'tileB' }[type as string]) throw new Error(`${type} is of ${memory}`)
        return `load${type}(${at}, ${stride}, ${argument ?? side === 'col'})`
      },
    )
    .replace(/subgroupMatrixMultiplyAccumulate/g, 'multiplyAccumulate')
    .replace(
      /subgroupMatrixStore(?:<row_major>)?\(&sums, ([^;,]+), (\w+)(?:, false)?, (\d+u)\);/g,
      'storeSum($1, $3, $2);',
    )
  if (/subgroup/.test(text)) throw new Error(`what is this: ${/.*subgroup.*/.exec(text)![0]}`)
  return `alias Left = array<f32, ${m * k}>;
alias Right = array<f32, ${k * n}>;
alias Sum = array<f32, ${m * n}>;
${load('Left', 'tileA', m, k)}
${load('Right', 'tileB', k, n)}
fn multiplyAccumulate(left: Left, right: Right, sum: Sum) -> Sum {
  var x = left;
  var y = right;
  var z = sum;
  for (var e = 0u; e < ${m * n}u; e++) {
    for (var i = 0u; i < ${k}u; i++) { z[e] += x[e / ${n}u * ${k}u + i] * y[i * ${n}u + e % ${n}u]; }
  }
  return z;
}
fn storeSum(at: u32, stride: u32, sum: Sum) {
  var x = sum;
  for (var e = 0u; e < ${m * n}u; e++) { sums[at + e / ${n}u * stride + e % ${n}u] = x[e]; }
}
${text}`
}
