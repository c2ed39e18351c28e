/** A line that the next one takes the place of, where somebody watches. */
export function progress(text = ''): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** What is left of a work whose parts take about as long as those that are done. */
export function timeLeft({ done, all, seconds }: { done: number; all: number; seconds: number }): string {
  const minutes = Math.ceil(((seconds / done) * (all - done)) / 60)
  return minutes < 100 ? `some ${minutes} min left` : `some ${Math.round(minutes / 60)} h left`
}
