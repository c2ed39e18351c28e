import { loadMatrix, type MatrixUnit, matrixUnitHead, storeMatrix } from '../../device/matrix-units'
import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { type LinearForm, linearFrame } from './linear-frame'
import {
  matricesLinearDepth as depth,
  matricesLinearParts,
  matrixStride,
  matricesLinearSide as side,
} from './matrices-plan'
import { matricesSubgroups } from './matrices-source'

/** How a kernel of matrix units goes about it. */
export interface MatricesLinearShape {
  readonly unit: MatrixUnit
  /** Invocations of a subgroup. */
  readonly lanes: number
}

/**
 * WGSL of a linear layer of many rows, c = a · bᵀ, by matrix units, for GPUs that have them; for weights of f32 and of every format,
 * which are unpacked once for all rows of the tile. Operands: linear-frame.ts, but that `params.k` counts vectors of four, and
 *
 *   scales: [m], 1 / √(mean of a row's squares + ε) (inverse-rms.wgsl)
 *
 * by which rows of a are multiplied on the way: those that are normalised, and those that are not, too, whose sums are divided by it
 * at the end, so that no number of a leaves the range of f16.
 *
 * Units of f16 take numbers of f32 in two parts, f16(x) + f16(x − f16(x)), which hold 22 bits of x; so a product is taken as that of
 * the first parts and those of a first and a second, and what is left out is as small as what f32 rounds. Weights of f16 are one part,
 * and so are those of bf16, which have no more than 8 bits. Sums are f32.
 *
 * A workgroup of four subgroups computes a tile of 64 × 64, each subgroup a quarter. Both operands lie in workgroup memory along k,
 * in rows that are 16 bytes longer than what they hold, which spreads them over the banks and keeps every matrix aligned to 16 bytes.
 * Rows and columns past the edge repeat the last and are not written; past the end of k are zeros. The order of a sum is that of the
 * units, the same for any number of rows. It goes through workgroup memory to c, a matrix of each subgroup at a time.
 */
export function matricesLinearSource(
  form: LinearForm,
  { unit, lanes }: MatricesLinearShape,
): Omit<KernelDefinition, 'name'> {
  const { vectorSize, normed, offset, format } = form
  const { component, m, n, k } = unit
  const { uses, declarations, store } = linearFrame(
    { ...form, rows: 1, columns: 1 },
    { xVectorSize: 4, others: ['var<storage, read> scales: array<f32>'] },
  )
  const all = matricesSubgroups * lanes
  const stride = matrixStride(unit)
  const size = side * stride
  const [partsA, partsB] = matricesLinearParts(unit, format?.b)
  const parts = { tileA: partsA, tileB: partsB }
  const [tall, wide] = [side / 2 / m, side / 2 / n]
  const sums = (line: (i: number, j: number) => string) => each(tall, (i) => each(wide, (j) => line(i, j)))
  /** Puts a vector down in its parts, from `at` on. */
  const put = (memory: 'tileA' | 'tileB', value: string, at: string) =>
    each(
      4,
      (j) => `${memory}[${at} + ${j}u] = ${component}(${value}[${j}]);
      ${parts[memory] === 2 ? `${memory}[${at} + ${size + j}u] = ${component}(${value}[${j}] - f32(${component}(${value}[${j}])));` : ''}`,
    )
  const perPiece = vectorSize / 4
  const pieces = depth / vectorSize
  const matrix = (type: 'Left' | 'Right', part: number, line: string, step: number) =>
    loadMatrix(unit, type, {
      memory: type === 'Left' ? 'tileA' : 'tileB',
      at: `(${line}) * ${stride}u + ${part * size + step}u`,
      stride,
      byColumns: type === 'Right', // steps of k are its rows
    })
  const source = `${matrixUnitHead(unit)}
${declarations}
var<workgroup> tileA: array<${component}, ${parts.tileA * size}>;
var<workgroup> tileB: array<${component}, ${parts.tileB * size}>;
var<workgroup> sums: array<f32, ${matricesSubgroups * m * n}>;

@compute @workgroup_size(${all})
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) quarter: u32, @builtin(subgroup_invocation_id) laneOfQuarter: u32,
) {
  let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let firstRow = (number / params.tilesAcross) * ${side}u;
  let firstColumn = (number % params.tilesAcross) * ${side}u;
  let down = (quarter / 2u) * ${side / 2}u;
  let across = (quarter % 2u) * ${side / 2}u;
  ${sums((i, j) => `var c${i}_${j} = Sum();`)}
  for (var k = 0u; k < params.k; k += ${depth / 4}u) {
    for (var i = lane; i < ${(side * depth) / 4}u; i += ${all}u) {
      let q = i % ${depth / 4}u;
      let r = i / ${depth / 4}u;
      let from4 = min(firstRow + r, params.m - 1u);
      var value = vec4f();
      if (k + q < params.k) {
        value = load_a(from4 * params.k + k + q) * scales[from4]${normed ? ` * (${offset === 0 ? '' : `vec4f(${offset}) + `}load_gain(k + q))` : ''};
      }
      ${put('tileA', 'value', `r * ${stride}u + 4u * q`)}
    }
    for (var i = lane; i < ${side * pieces}u; i += ${all}u) {
      let q = i % ${pieces}u;
      let r = i / ${pieces}u;
      let at = min(firstColumn + r, params.n - 1u) * (params.k / ${perPiece}u) + k / ${perPiece}u + q;
      ${
        perPiece === 2
          ? `var piece = Piece(vec4f(), vec4f());
      if (k + 2u * q < params.k) { piece = load_b(at); }
      ${put('tileB', 'piece.low', `r * ${stride}u + 8u * q`)}
      ${put('tileB', 'piece.high', `r * ${stride}u + 8u * q + 4u`)}`
          : `var value = vec4f();
      if (k + q < params.k) { value = load_b(at); }
      ${put('tileB', 'value', `r * ${stride}u + 4u * q`)}`
      }
    }
    workgroupBarrier();
    ${each(
      depth / k,
      (s) => `{
      ${each(tall, (i) => each(parts.tileA, (part) => `let a${i}_${part} = ${matrix('Left', part, `down + ${i * m}u`, s * k)};`))}
      ${each(
        wide,
        (
          j,
        ) => `${each(parts.tileB, (part) => `let b${j}_${part} = ${matrix('Right', part, `across + ${j * n}u`, s * k)};`)}
      ${each(tall, (i) => {
        const add = (a: number, b: number) =>
          `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}_${a}, b${j}_${b}, c${i}_${j});`
        // The small products first: the sum is the larger behind them.
        return `${parts.tileA === 2 ? add(1, 0) : ''}\n      ${parts.tileB === 2 ? add(0, 1) : ''}\n      ${add(0, 0)}`
      })}`,
      )}
    }`,
    )}
    workgroupBarrier();
  }
  ${sums(
    (i, j) => `${storeMatrix(unit, { memory: 'sums', at: `quarter * ${m * n}u`, stride: n, value: `c${i}_${j}` })}
  workgroupBarrier();
  for (var e = laneOfQuarter; e < ${m * n}u; e += ${lanes}u) {
    let row = firstRow + down + ${i * m}u + e / ${n}u;
    let edge = firstColumn + across + ${j * n}u + e % ${n}u;
    let column = params.first + edge;
    let b_0_0 = sums[quarter * ${m * n}u + e]${normed ? '' : ' / scales[min(row, params.m - 1u)]'};
    ${store(0, () => 0)}
  }
  workgroupBarrier();`,
  )}
}`
  return { source, uses }
}
