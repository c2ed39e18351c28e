import type { Capabilities } from '../../device/capabilities'
import type { Device } from '../../device/device'
import type { MatrixUnit } from '../../device/matrix-units'
import { likeGpu } from '../../testing'

/** Invocations that stand for a subgroup. */
export const emulatedLanes = 32

/**
 * The text of a kernel of matrix units, for devices without them: neighbouring invocations stand for a subgroup, and what subgroups do
 * as a whole these do element by element, with the very offsets, strides and sides that the text has. Halves are f32, rounded where
 * the text rounds to f16. A matrix that does not begin, or whose lines do not, at 16 bytes, makes the sums NaN.
 */
export function emulated(source: string): string {
  const { component, m, n, k } = unitOf(source)
  const aligned = 16 / (component === 'f16' ? 2 : 4)
  const own = Math.ceil((m * n) / emulatedLanes) // elements of a sum that an invocation has
  const sums: string[] = []
  let products = 0
  const placeOf = (sum: string) => `${sums.indexOf(sum) * own}u`
  const text = source
    .replace(/^(?:enable .*|diagnostic\b.*|alias (?:Left|Right|Sum)\b.*)$/gm, '')
    .replace(/\bf16\(/g, 'asHalf(')
    .replace(/\bf16\b/g, 'f32')
    .replace(
      /@builtin\(subgroup_id\) (\w+): u32, @builtin\(subgroup_invocation_id\) (\w+): u32,\n\) \{/,
      `) {\n  mine = lane % ${emulatedLanes}u;\n  let $1 = lane / ${emulatedLanes}u;\n  let $2 = mine;`,
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
      (_, sum, left, right) => `products[${products++}] = Product(${left}, ${right}, ${placeOf(sum)});`,
    )
    // All of them in one loop, before what they read is written over: SwiftShader would compile a copy of the sums for each.
    .replace(/(products\[(?!.*products\[).*?)workgroupBarrier/s, '$1multiplyAll();\n    workgroupBarrier')
    .replace(
      /subgroupMatrixStore(?:<row_major>)?\(&sums, ([^;,]+), (\w+)(?:, false)?, (\d+u)\);/g,
      (_, at, sum, stride) => `storeSum(${at}, ${stride}, ${placeOf(sum)});`,
    )
  const left = /subgroup.*/.exec(text)
  if (left || sums.length === 0) throw new Error(`what is this: ${left?.[0] ?? 'no sums'}`)
  const ownElements = (body: string) => `for (var i = 0u; i < ${own}u; i++) {
    let e = mine + i * ${emulatedLanes}u;
    if (e < ${m * n}u) { ${body} }
  }`
  return `/** Where a matrix lies in workgroup memory. */
struct Matrix { at: u32, stride: u32, byColumns: bool }
fn placeIn(matrix: Matrix, r: u32, c: u32) -> u32 {
  return matrix.at + select(matrix.stride * r + c, matrix.stride * c + r, matrix.byColumns);
}
fn isAligned(matrix: Matrix) -> bool { return matrix.at % ${aligned}u == 0u && matrix.stride % ${aligned}u == 0u; }
fn asHalf(x: f32) -> f32 { return unpack2x16float(pack2x16float(vec2f(x, 0.0))).x; }
var<private> mine: u32;
var<private> held: array<f32, ${sums.length * own}>;
struct Product { left: Matrix, right: Matrix, sum: u32 }
var<private> products: array<Product, ${products}>;
fn multiplyAll() {
  for (var p = 0u; p < ${products}u; p++) { multiplyAccumulate(products[p].left, products[p].right, products[p].sum); }
}
fn clearSum(sum: u32) {
  for (var i = 0u; i < ${own}u; i++) { held[sum + i] = 0.0; }
}
fn multiplyAccumulate(left: Matrix, right: Matrix, sum: u32) {
  let off = select(bitcast<f32>(0x7fc00000u + left.at), 0.0, isAligned(left) && isAligned(right));
  ${ownElements(`var total = off;
    for (var s = 0u; s < ${k}u; s++) { total += tileA[placeIn(left, e / ${n}u, s)] * tileB[placeIn(right, s, e % ${n}u)]; }
    held[sum + i] += total;`)}
}
fn storeSum(at: u32, stride: u32, sum: u32) {
  ${ownElements(`sums[at + e / ${n}u * stride + e % ${n}u] = held[sum + i];`)}
}
${text}`
}

function unitOf(source: string): Omit<MatrixUnit, 'layout'> {
  const [, component, k, m] = /alias Left = subgroup_matrix_left<(f16|f32), (\d+), (\d+)>/.exec(source)!
  const [, n] = /alias Right = subgroup_matrix_right<\w+, (\d+),/.exec(source)!
  return { component: component as MatrixUnit['component'], m: Number(m), n: Number(n), k: Number(k) }
}

/** A device that says that its subgroups have such units, and emulates them. Other kernels of subgroups are wrong on it. */
export async function emulatingUnits(
  matrixUnits: readonly MatrixUnit[],
  others: Partial<Capabilities> = {},
): Promise<Device> {
  const subgroups = { subgroups: true, subgroupMinSize: emulatedLanes, subgroupMaxSize: emulatedLanes }
  const device = await likeGpu({ others: { ...subgroups, matrixUnits, ...others } })
  const { gpu } = device
  const create = gpu.createShaderModule.bind(gpu)
  Object.defineProperty(gpu, 'createShaderModule', {
    value: ({ code, ...others }: GPUShaderModuleDescriptor) =>
      create({ ...others, code: code.includes('subgroupMatrix') ? emulated(code) : code }),
  })
  return device
}
