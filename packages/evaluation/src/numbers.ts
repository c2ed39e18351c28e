/** Numbers as people read them. */

/** `1h 02m`, `3m 20s`, `12 s`, `0.4 s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`
}

/** `950`, `12.3K`, `115M`, `1.2B`. */
export function count(value: number): string {
  const units: [number, string][] = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ]
  for (const [size, unit] of units) if (Math.abs(value) >= size) return significant(value / size) + unit
  return String(Math.round(value))
}

/** `512 B`, `1.9 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${value} B` : `${significant(value)} ${units[unit]}`
}

/** `3.21 steps/s`, or `4.5 s/step` for what takes longer than a second. */
export function rate(perSecond: number, unit: string): string {
  if (!Number.isFinite(perSecond) || perSecond <= 0) return ''
  if (perSecond >= 1) return `${significant(perSecond)} ${unit}/s`
  return `${significant(1 / perSecond)} s/${unit.replace(/s$/, '')}`
}

/** A fixed number of decimals, or a dash for what was not measured. */
export const fixed = (value: number | null | undefined, decimals = 2): string =>
  value == null || !Number.isFinite(value) ? '–' : value.toFixed(decimals)

const significant = (value: number): string => value.toFixed(Math.abs(value) >= 99.95 ? 0 : 1)
const pad = (value: number): string => String(value).padStart(2, '0')
