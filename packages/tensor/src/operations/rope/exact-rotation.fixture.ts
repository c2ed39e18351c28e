/** 2π in 2⁻¹²⁸. */
const turn = 0x6487ed5110b4611a62633145c06e0e689n

/** Position · frequency less whole turns, in radians: of the number that the frequency is, in whole numbers. */
function exactAngle(position: number, frequency: number): number {
  const angle = (BigInt(position) * BigInt(Math.round(frequency * 2 ** 128))) % turn
  return Number(angle) / 2 ** 128
}

/**
 * Rows of heads, [batch, rows, heads, headDim], turned in float64: pair i is (x[i], x[i + pairs]), and what no frequency is of
 * stays. Backwards, by the opposite angles.
 */
export function rotated(
  x: ArrayLike<number>,
  { starts, rows, heads, frequencies, headDim = 2 * frequencies.length, magnitude = 1 }: RotationShape,
  { backwards = false } = {},
): number[] {
  const pairs = frequencies.length
  return Array.from(x, (value, i) => {
    const d = i % headDim
    if (d >= 2 * pairs) return value
    const row = Math.floor(i / (heads * headDim))
    const angle = exactAngle(starts[Math.floor(row / rows)]! + (row % rows), frequencies[d % pairs]!)
    const other = d < pairs ? -x[i + pairs]! : x[i - pairs]!
    return magnitude * (value * Math.cos(angle) + (backwards ? -other : other) * Math.sin(angle))
  })
}

interface RotationShape {
  /** Where each sequence begins. */
  starts: readonly number[]
  rows: number
  heads: number
  /** Radians a position by pair. */
  frequencies: ArrayLike<number>
  /** Default twice the frequencies. */
  headDim?: number
  magnitude?: number
}
