/** Sixteen values (i8) that quants of four bits stand for. */
export type TableValues = readonly number[]

/** WGSL of `tableValues` for quants, looked up with selections: adapters that are CPUs index no arrays by vectors. */
export function tableValue(table: TableValues, quants: string): string {
  const words = Uint32Array.from([0, 1, 2, 3], (i) =>
    table.slice(4 * i, 4 * i + 4).reduce((word, value, k) => word | ((value & 255) << (8 * k)), 0),
  )
  const four = (i: number) => `vec4u(0x${words[i]!.toString(16)}u)`
  const bit = (value: number) => `(${quants} & vec4u(${value}u)) != vec4u()`
  const word = `select(select(${four(0)}, ${four(1)}, ${bit(4)}), select(${four(2)}, ${four(3)}, ${bit(4)}), ${bit(8)})`
  // The byte to the top and down again, with its sign.
  const places = `vec4u(24u) - vec4u(8u) * (${quants} & vec4u(3u))`
  return `vec4f(bitcast<vec4i>(${word} << (${places})) >> vec4u(24u))`
}
