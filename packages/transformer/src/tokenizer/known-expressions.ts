const ending = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

export const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
/** Llama 3's and Qwen's, which differ in the digits that stay together. */
export const words = (digits: string) =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${ending}`
export const llama3 = words('\\p{N}{1,3}')
export const qwen2 = words('\\p{N}')
export const falconMarks = '[\\p{P}\\$\\+<=>\\^~\\|`]+'

/**
 * Expressions of known models that cut words in a time that grows with the text only: the engine's own search is let at them.
 * Every other one is counted.
 */
export const knownExpressions: ReadonlySet<string> = new Set([
  gpt2,
  llama3,
  qwen2,
  falconMarks,
  '[0-9][0-9][0-9]',
  '\\p{N}',
  '\\p{N}{1,3}',
  '\\d',
  '\\s+',
  '[\\r\\n]',
])
