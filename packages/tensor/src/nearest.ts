/** Of some names the one that another was most likely meant to be: at most a third of its letters are others. */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  const word = given.slice(0, longest)
  let best: string | undefined
  let least = Math.floor(Math.max(word.length, 3) / 3) + 1
  for (const name of names) {
    const distance = lettersBetween(word, name)
    if (distance < least) [best, least] = [name, distance]
  }
  return best
}

/** No name is longer. */
const longest = 60

/** Letters to leave out, put in, replace or exchange with the next (Damerau 1964, restricted). */
function lettersBetween(a: string, b: string): number {
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1)
    }
    ;[beforeLast, last] = [last, row]
  }
  return last[b.length]!
}
