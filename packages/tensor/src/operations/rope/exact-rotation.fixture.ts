/** 2π in 2⁻¹²⁸. */
const turn = 0x6487ed5110b4611a62633145c06e0e689n

/** Position · frequency less whole turns, in radians: of the number that the frequency is, in whole numbers. */
export function exactAngle(position: number, frequency: number): number {
  const angle = (BigInt(position) * BigInt(Math.round(frequency * 2 ** 128))) % turn
  return Number(angle) / 2 ** 128
}

/**
 * Rows of heads, [batch, rows, heads, headDim], turned in float64: pair i is (x[i], x[i + headDim / 2]). Backwards, by the
 * opposite angles.
 */
export function rotated(
  x: ArrayLike<number>,
  { starts, rows, heads, frequencies }: RotationShape,
  { backwards = false } = {},
): number[] {
  const half = frequencies.length
  const headDim = 2 * half
  return Array.from(x, (value, i) => {
    const d = i % headDim
    const row = Math.floor(i / (heads * headDim))
    const angle = exactAngle(starts[Math.floor(row / rows)]! + (row % rows), frequencies[d % half]!)
    const other = d < half ? -x[i + half]! : x[i - half]!
    return value * Math.cos(angle) + (backwards ? -other : other) * Math.sin(angle)
  })
}

interface RotationShape {
  /** Where each sequence begins. */
  starts: readonly number[]
  rows: number
  heads: number
  /** Radians a position by pair. */
  frequencies: ArrayLike<number>
}
