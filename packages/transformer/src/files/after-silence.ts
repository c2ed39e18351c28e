/**
 * Calls back after a time in which nothing came. It is waited for in two halves: a thread that was busy for longer finds what
 * came in the meantime before the second is over, and takes no silence of its own for that of a server.
 *
 * @returns what ends the wait
 */
export function afterSilence(milliseconds: number, call: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(call, milliseconds / 2)
  }, milliseconds / 2)
  return () => clearTimeout(timer)
}
