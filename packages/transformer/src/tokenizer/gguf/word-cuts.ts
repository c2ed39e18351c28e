import { falconMarks, gpt2, llama3, qwen2, words } from '../known-expressions'

/** What llama.cpp does with a vocabulary of byte-level BPE, by the name in `tokenizer.ggml.pre`. */
export interface WordCuts {
  /** Expressions that cut a text into words, one after another. */
  cuts: readonly string[]
  /** A word that is a piece is taken whole, before anything is merged. */
  ignoresMerges?: boolean
  /** A begin token is put before a text where the file does not say. */
  begins?: boolean
  /** There is no begin token where the file names none; else it is number 11, Falcon's. */
  hasNoBegin?: boolean
}

// llama.cpp tells letters apart by their case only where they are ASCII.
const upper = '(?:(?=\\p{L})[^a-z])'
const lower = '(?:(?=\\p{L})[^A-Z])'
const contraction = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
const ending = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const marks = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*'
const before = '[^\\r\\n\\p{L}\\p{N}]?'

/** Words that begin with capitals or are all of them, as GPT-4o cuts them. */
const cased = (high: string, low: string, contracted: string, digits: string) =>
  `${before}${high}*${low}+${contracted}|${before}${high}+${low}*${contracted}|${digits}|${marks}|${ending}`

const asciiMarkWord = '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+'
const deepseek3 = `${asciiMarkWord}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${ending}`
const chineseAndKana = '[一-龥぀-ゟ゠-ヿ]+'
// White space is in the range, and is left out.
const eastAsian = '(?:(?!\\s)[一-龥ࠀ-一가-퟿])+'
/** Letters that have a case, of the scripts that DeepSeek's tokenizer knows; escaped where normalising would change one. */
const casedLetters =
  'A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃'
/** Digits in threes, counted from the last; what is before them stays with the first of them in llama.cpp. */
const threesFromTheEnd = '\\P{N}*\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))|\\P{N}+'
const bloom = ' ?[^(\\s|.,!?…。，、।۔،)]+'
const digitsAndGpt2 = ['\\p{N}', gpt2]

/** Each way of cutting once, under the name that is its oldest. */
const ways = {
  default: { cuts: ['[\\p{P}\\$\\+<=>\\^~\\|]+', gpt2, '\\p{N}+', '[0-9][0-9][0-9]'] },
  'gpt-2': { cuts: [gpt2] },
  smollm: { cuts: digitsAndGpt2 },
  falcon: { cuts: [falconMarks, gpt2, '[0-9][0-9][0-9]'] },
  'llama-bpe': { cuts: [llama3], ignoresMerges: true, begins: true },
  dbrx: { cuts: [llama3] },
  'chatglm-bpe': { cuts: [llama3], hasNoBegin: true },
  minicpm5: { cuts: ['\\p{N}{1,3}', words('\\p{N}+')], ignoresMerges: true },
  'jais-2': {
    cuts: [
      `${contraction}|${before}\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|${[
        512, 256, 128, 64, 32, 16, 8, 4,
      ]
        .map((count) => `\\s{${count}}(?!\\S)`)
        .join('|')}|\\s{1,2}(?!\\S)|\\s`,
    ],
  },
  qwen2: { cuts: [qwen2] },
  qwen35: {
    cuts: [`${contraction}|${before}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${ending}`],
  },
  laguna: { cuts: ['[^\\n]+|[\\n]+', qwen2] },
  ufakzeka: { cuts: [`${before}\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${ending}`] },
  bailingmoe: {
    cuts: [
      `'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|${before}\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
    ],
  },
  'seed-coder': { cuts: [`${contraction}|${before}\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${ending}`] },
  'exaone-moe': {
    cuts: [
      `${contraction}|${before}(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
    ],
  },
  'deepseek-llm': {
    cuts: ['[\\r\\n]', `\\s?[${casedLetters}]+`, '\\s?[!-/:-~！-／：-～‘-‟、-。]+', '\\s+$', eastAsian, '\\p{N}+'],
  },
  'deepseek-coder': { cuts: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', eastAsian, '\\p{N}'] },
  'deepseek-v3': { cuts: ['\\p{N}{1,3}', chineseAndKana, deepseek3] },
  spark2_5: {
    cuts: [
      '\\p{N}{1,3}',
      chineseAndKana,
      `${asciiMarkWord}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+`,
      '\\p{N}',
    ],
  },
  youtu: {
    cuts: [
      '[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+',
      cased('[\\p{L}\\p{M}]', '[\\p{L}\\p{M}]', `${contraction}?`, '\\p{N}'),
    ],
    ignoresMerges: true,
  },
  bloom: { cuts: [bloom] },
  viking: { cuts: [bloom, '\\p{N}'] },
  tekken: { cuts: [cased(upper, lower, '', '\\p{N}')], ignoresMerges: true, begins: true },
  'gpt-4o': { cuts: [cased(upper, lower, `${contraction}?`, '\\p{N}{1,3}')] },
  'granite-embed-multi-97m': {
    cuts: [cased('(?:(?=[\\p{L}\\p{M}])[^a-z])', '(?:(?=[\\p{L}\\p{M}])[^A-Z])', `${contraction}?`, '\\p{N}{1,3}')],
    ignoresMerges: true,
  },
  tiny_aya: {
    cuts: [threesFromTheEnd, cased('[\\p{L}\\p{M}]', '[\\p{L}\\p{M}]', `${contraction}?`, '\\p{N}{1,3}')],
  },
  afmoe: {
    cuts: [threesFromTheEnd, '[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+', deepseek3],
  },
  superbpe: { cuts: ['\\p{N}+', '(?=(?:[0-9]{3})+(?![0-9]))'] },
  chameleon: {
    cuts: [
      '<sentinel:[0-9]+>',
      '(?:IMGIMG)(?:(?:A|B|C|D|E|F|G|H|I){1,4})Z',
      '(?:[\\t\\n]|    |  )',
      '\\p{N}',
      '[\\p{P}!-/:-@\\[-`{-~]',
      gpt2,
    ],
    begins: true,
  },
} as const satisfies Record<string, WordCuts>

type Way = keyof typeof ways

/** The other names that llama.cpp (v0.5.0) has for each. */
const aliases: Readonly<Partial<Record<Way, readonly string[]>>> = {
  'gpt-2': [
    'phi-2',
    'jina-es',
    'jina-de',
    'jina-v2-es',
    'jina-v2-de',
    'jina-v1-en',
    'jina-v2-code',
    'roberta-bpe',
    'gigachat',
    'a.x-4.0',
    'mellum',
    'modern-bert',
    'mpt',
    'olmo',
    'jais',
    'trillion',
    'granite-docling',
    'exaone4',
  ],
  smollm: ['starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
  'llama-bpe': ['llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2', 'jina-v5-nano'],
  dbrx: ['smaug-bpe'],
  'chatglm-bpe': ['glm4'],
  qwen2: ['deepseek-r1-qwen', 'kormo', 'f2llmv2', 'megrez', 'stablelm2', 'hunyuan', 'solar-open', 'grok-2'],
  bailingmoe: ['bailingmoe2', 'llada-moe'],
  'deepseek-v3': ['hunyuan-dense', 'joyai-llm', 'hy_v4'],
  bloom: ['poro-chat', 'gpt3-finnish'],
  'gpt-4o': ['llama4', 'kanana2', 'talkie', 'minimax-m2'],
  tiny_aya: ['cohere2moe'],
}

const byName: ReadonlyMap<string, WordCuts> = new Map(
  (Object.keys(ways) as Way[]).flatMap((name) => [name, ...(aliases[name] ?? [])].map((alias) => [alias, ways[name]])),
)

/** What is done by a name; undefined where the name is not known. */
export const wordCutsNamed = (name: string): WordCuts | undefined => byName.get(name)

/** Names that llama.cpp (v0.5.0) knows and that are refused, with the reason. */
export const refusedCuts: Readonly<Record<string, string>> = {
  'kimi-k2': 'which merges by a table that it does not have',
  gemma4: 'which merges characters, not bytes',
  'granite-embed-multi-311m': 'which merges characters, not bytes',
  'sarvam-moe': 'which merges characters, not bytes',
  whitespace: 'which merges characters, not bytes',
}
