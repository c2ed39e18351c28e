/** The lines of `count` things, for the text of kernels that are unrolled. */
export const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n  ')
