/** 75 → "1 min 15 s": as exact as an estimate deserves. */
export function durationOf(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 600) {
    const rounded = Math.round(seconds / 5) * 5
    return `${Math.floor(rounded / 60)} min ${rounded % 60} s`
  }
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
