/** A linear map from values to places on the page. */
export type Scale = (value: number) => number

export const linear =
  ([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale =>
  (value) =>
    to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start)

/** Round numbers (1, 2 or 5 times a power of ten) from the one at or below `least` to the one at or above `most`. */
export function ticks(least: number, most: number, count = 5): number[] {
  if (!(most > least)) return [least]
  const raw = (most - least) / count
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999)!
  const first = Math.floor(least / step + 1e-9)
  const last = Math.ceil(most / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** A tick's text: no more digits than needed. */
export const tickText = (value: number): string => (Math.abs(value) >= 10_000 ? `${value / 1000}k` : String(value))
