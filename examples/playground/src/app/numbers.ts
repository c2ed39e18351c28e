/** 1234567 → "1.2 M": counts of parameters. */
export function countOf(count: number): string {
  for (const [unit, size] of [
    ['B', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (count >= size) return `${(count / size).toFixed(count >= 100 * size ? 0 : 1)} ${unit}`
  return String(count)
}

/** 1234567 → "1.18 MiB". */
export function bytesOf(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const)
    if (bytes >= size) return `${(bytes / size).toPrecision(3)} ${unit}`
  return `${bytes} B`
}

/** Thousands set apart by thin spaces. */
export const grouped = (value: number): string => Math.round(value).toLocaleString('en').replaceAll(',', '\u202f')
