const whiteSpace = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

export const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
/** Llama 3's and Qwen's, which differ in the digits that stay together. */
export const words = (digits: string) =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${whiteSpace}`
export const llama3 = words('\\p{N}{1,3}')
export const qwen2 = words('\\p{N}')
const capitalised = (ending: string, digits: string) => {
  const [upper, lower] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]']
  const before = '[^\\r\\n\\p{L}\\p{N}]?'
  return `${before}${upper}*${lower}+${ending}|${before}${upper}+${lower}*${ending}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${whiteSpace}`
}
/** GPT-4o's (gpt-oss, Phi-4-mini), and Mistral's (Tekken). */
export const o200k = capitalised(`${contractions}?`, '\\p{N}{1,3}')
export const tekken = capitalised('', '\\p{N}')
/** DeepSeek-V3's words, behind its digits and its Chinese and Japanese characters. */
export const deepSeek3 = `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${whiteSpace}`
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
  o200k,
  tekken,
  deepSeek3,
  '[一-龥぀-ゟ゠-ヿ]+',
  '[0-9][0-9][0-9]',
  '\\p{N}',
  '\\p{N}{1,3}',
  '\\d',
  '\\s+',
  '[\\r\\n]',
])
