/** Where characters are drawn from: scripts, marks, digits of many kinds, spaces and line ends, symbols, all planes. */
const ranges: readonly (readonly [low: number, high: number])[] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x61, 0x7a],
  [0x30, 0x39],
  [0x20, 0x20],
  [0x09, 0x0d],
  [0xa0, 0xff],
  [0x100, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x3ff],
  [0x400, 0x4ff],
  [0x590, 0x6ff],
  [0x900, 0xdff],
  [0xe00, 0xeff],
  [0x1000, 0x1fff],
  [0x2000, 0x206f],
  [0x2070, 0x218f],
  [0x2190, 0x2bff],
  [0x2580, 0x2581],
  [0x3000, 0x30ff],
  [0x3400, 0x9fff],
  [0xa000, 0xabff],
  [0xac00, 0xd7a3],
  [0xe000, 0xffff],
  [0x10000, 0x1ffff],
  [0x1f300, 0x1faff],
  [0x20000, 0x3ffff],
  [0x40000, 0x10ffff],
]

/**
 * A text of any characters of Unicode but lone surrogates: runs of one range, characters repeated, pieces of `among` (special
 * tokens, say) between them. The same seed gives the same text.
 */
export function anyText(seed: number, { among = [] }: { among?: readonly string[] } = {}): string {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  const random = (below: number) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below)
  }
  let text = ''
  for (let run = random(7); run >= 0; run--) {
    if (among.length > 0 && random(6) === 0) text += among[random(among.length)]
    const [low, high] = ranges[random(ranges.length)]!
    for (let i = random(12); i >= 0; i--)
      text += String.fromCodePoint(low + random(high - low + 1)).repeat(random(5) === 0 ? 1 + random(4) : 1)
  }
  return text
}
