/** Whether a place in a text is inside a surrogate pair. */
export const isEndOfPair = (text: string, at: number): boolean =>
  at > 0 && (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800

/** The code point that ends before a place. */
export const codePointBefore = (text: string, at: number): number =>
  text.codePointAt(at - (isEndOfPair(text, at - 1) ? 2 : 1))!
