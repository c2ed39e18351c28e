import { loadMatrix, type MatrixUnit, matrixUnitHead, storeMatrix } from '../../device/matrix-units'
import { each } from '../each'
import { tileBindings, tilePlace } from './tile-place'

/** A kernel of matrix units. */
export interface MatricesForm {
  /** Rows and columns of the tile that a workgroup computes: 64 or 128. */
  readonly side: 64 | 128
  /** Invocations of a subgroup. */
  readonly lanes: number
  readonly unit: MatrixUnit
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/** Subgroups of a workgroup: each computes a quarter of the tile, half its rows by half its columns. */
export const matricesSubgroups = 4

/**
 * WGSL of c = op(a) · op(b) by matrix units, for GPUs that have them: bindings, parameters and forms are those of `tiledSource`,
 * at most one of the operands is transposed. Both lie in workgroup memory as they do in theirs, in rows that are 16 bytes longer
 * than what they hold, which spreads them over the banks and keeps every matrix aligned to 16 bytes. Sums are f32; factors are
 * what the unit takes: of f16 operands and f32 units both are exact.
 *
 * Rows and columns past the edge repeat the last and are not written; past the end of k are zeros. A sum goes through workgroup
 * memory to c, a matrix of each subgroup at a time.
 */
export function matricesSource({ side, lanes, unit, transposeA, transposeB }: MatricesForm): string {
  const { component, m, n, k } = unit
  const depth = matricesDepth({ side, unit })
  const all = matricesSubgroups * lanes
  const a = operand({ name: 'a', runsAlongK: !transposeA, count: 'm', first: 'row', side, depth, unit, all })
  const b = operand({ name: 'b', runsAlongK: transposeB, count: 'n', first: 'column', side, depth, unit, all })
  const [tall, wide] = [side / 2 / m, side / 2 / n]
  const sums = (line: (i: number, j: number) => string) => each(tall, (i) => each(wide, (j) => line(i, j)))
  return `${matrixUnitHead(unit)}
${tileBindings}

var<workgroup> tileA: array<${component}, ${a.size}>;
var<workgroup> tileB: array<${component}, ${b.size}>;
var<workgroup> sums: array<f32, ${matricesSubgroups * m * n}>;

@compute @workgroup_size(${all})
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) quarter: u32, @builtin(subgroup_invocation_id) laneOfQuarter: u32,
) {
  ${tilePlace(side, side)}
  let down = (quarter / 2u) * ${side / 2}u;
  let across = (quarter % 2u) * ${side / 2}u;
  ${sums((i, j) => `var c${i}_${j} = Sum();`)}
  for (var k = begin; k < end; k += ${depth}u) {
    ${a.load}
    ${b.load}
    workgroupBarrier();
    ${each(
      depth / k,
      (s) => `{
      ${each(tall, (i) => `let a${i} = ${a.matrix('Left', `down + ${i * m}u`, s * k)};`)}
      ${each(
        wide,
        (j) => `let b${j} = ${b.matrix('Right', `across + ${j * n}u`, s * k)};
      ${each(tall, (i) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`)}`,
      )}
    }`,
    )}
    workgroupBarrier();
  }
  let fours = params.n / 4u;
  ${sums(
    (i, j) => `${storeMatrix(unit, { memory: 'sums', at: `quarter * ${m * n}u`, stride: n, value: `c${i}_${j}` })}
  workgroupBarrier();
  for (var e = laneOfQuarter; e < ${(m * n) / 4}u; e += ${lanes}u) {
    let r = row + down + ${i * m}u + e / ${n / 4}u;
    let q = (column + across + ${j * n}u) / 4u + e % ${n / 4}u;
    let from4 = quarter * ${m * n}u + 4u * e;
    if (r < params.m && q < fours) {
      store_c(split * params.splitSize + r * fours + q, vec4f(sums[from4], sums[from4 + 1u], sums[from4 + 2u], sums[from4 + 3u]));
    }
  }
  workgroupBarrier();`,
  )}
}`
}

/** Steps of k that a tile takes at a time: as many as 16 KiB hold of both operands beside the sums. */
const matricesDepth = ({ side, unit: { component } }: Pick<MatricesForm, 'side' | 'unit'>): number =>
  (component === 'f16' ? 2048 : 1024) / side

/** Whether a tile of such units is whole, and fits into 16 KiB. */
export const takesUnit = (side: 64 | 128, unit: MatrixUnit): boolean =>
  (side / 2) % unit.m === 0 &&
  (side / 2) % unit.n === 0 &&
  unit.n % 4 === 0 &&
  matricesDepth({ side, unit }) % unit.k === 0 &&
  unit.m * unit.n <= 256

/** How the lanes load an operand's part, and how matrices of it are taken from there. Names: matricesSource. */
function operand({
  name,
  runsAlongK,
  count,
  first,
  side,
  depth,
  unit,
  all,
}: {
  name: 'a' | 'b'
  runsAlongK: boolean
  /** The parameter with the number of its rows (of b, columns). */
  count: 'm' | 'n'
  /** The variable with the tile's first. */
  first: 'row' | 'column'
  side: number
  depth: number
  unit: MatrixUnit
  /** Invocations of the workgroup. */
  all: number
}) {
  const { component } = unit
  const memory = `tile${name.toUpperCase()}`
  const [length, lines] = runsAlongK ? [depth, side] : [side, depth]
  const stride = length + (component === 'f16' ? 8 : 4)
  const vector = runsAlongK
    ? `if (k + 4u * q < end) { value = load_${name}(min(${first} + r, params.${count} - 1u) * (params.k / 4u) + k / 4u + q); }`
    : `if (k + r < end) { value = load_${name}((k + r) * (params.${count} / 4u) + min(${first} / 4u + q, params.${count} / 4u - 1u)); }`
  return {
    size: lines * stride,
    load: `for (var i = lane; i < ${(lines * length) / 4}u; i += ${all}u) {
      let q = i % ${length / 4}u;
      let r = i / ${length / 4}u;
      var value = vec4f();
      ${vector}
      ${each(4, (j) => `${memory}[r * ${stride}u + 4u * q + ${j}u] = ${component}(value[${j}]);`)}
    }`,
    /** The matrix that begins at a row (of b, column) of the tile and a step of k. */
    matrix: (type: 'Left' | 'Right', line: string, step: number) => {
      const at = runsAlongK ? `(${line}) * ${stride}u + ${step}u` : `${step * stride}u + ${line}`
      // Steps of k are columns of a, and rows of b.
      return loadMatrix(unit, type, { memory, at, stride, byColumns: (name === 'a') !== runsAlongK })
    },
  }
}
