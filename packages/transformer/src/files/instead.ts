import { escapeControls } from './escape-controls'

/** What lies in a file's place now and then, and how to come by the file. */
export interface Instead {
  what: string
  remedy: string
}

/** What a file is to be. */
export type Wanted = 'text' | 'safetensors' | 'gguf'

/**
 * What the first bytes of a file say that it is, where that is not what is wanted: an HTML page, a pointer of Git LFS, an
 * archive, weights in another format, nothing at all. Undefined for anything else.
 *
 * @param first   512 bytes, or the whole of a smaller file
 * @param wanted  left out where the file may be any of a model's
 */
export function insteadOf(first: Uint8Array, wanted?: Wanted): Instead | undefined {
  const bytes = first.subarray(0, 512)
  const text = new TextDecoder().decode(bytes)
  // Other kinds may begin as it may: the length of a safetensors header is any number.
  if (kinds.some(({ is, begins }) => is !== undefined && is === wanted && begins(text, bytes))) return undefined
  const kind = kinds.find(({ is, begins }) => (is === undefined || wanted !== undefined) && begins(text, bytes))
  if (kind) return kind
  if (wanted === undefined) return undefined
  if (bytes.length === 0) return { what: 'empty', remedy: again }
  if (bytes.length >= 8 && bytes.every((byte) => byte === 0))
    return { what: 'nothing but zeros, where it begins', remedy: `A download or copy broke off. ${again}` }
  return wanted === 'text' ? undefined : plainText(bytes)
}

/** Whether an HTML page may begin so, by its first byte: with a tag, a blank or a byte order mark. */
export const mayBeHtml = (byte: number | undefined): boolean =>
  byte !== undefined && [0x3c, 0xef, 0x20, 0x09, 0x0a, 0x0d].includes(byte)

const again = 'Copy or download it again.'
const convert = 'Convert it to safetensors: load it with transformers, and save it with save_pretrained.'

const kinds: readonly (Instead & { is?: Wanted; begins: (text: string, bytes: Uint8Array) => boolean })[] = [
  {
    is: 'gguf',
    begins: (text) => /^(GGUF|FUGG)/.test(text),
    what: 'a GGUF file',
    remedy: 'Give it a name that ends in .gguf, and give the path of that file.',
  },
  {
    is: 'safetensors',
    begins: (_, bytes) =>
      /^\s*\{\s*("|\})/.test(ascii(bytes, 8, 40)) && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0,
    what: 'a safetensors file',
    remedy: 'Name it model.safetensors, in a directory with the config.json and the tokenizer of its model.',
  },
  {
    begins: (text) =>
      /^\s*(<\?xml[^>]*>\s*|<!--(?:[^-]|-(?!->))*-->\s*)*<(!doctype html|html|head|body|title|meta)\b/i.test(text),
    what: 'an HTML page',
    remedy: 'The server answers with a page (its own for what it does not have, or a login): check the address.',
  },
  {
    begins: (text) => /^\s*(<\?xml[^>]*>\s*)?<Error>/.test(text),
    what: 'the error message of a server that stores files',
    remedy: 'The link may have run out, or need a permission: download the file again.',
  },
  {
    begins: (text) => text.startsWith('version https://git-lfs.github.com/'),
    what: 'a pointer of Git LFS, not the file itself',
    remedy: 'Fetch the file with "git lfs pull", or from a host that serves what the pointer stands for.',
  },
  {
    begins: (text) => text.startsWith('# xet version '),
    what: 'a pointer of Git Xet, not the file itself',
    remedy: 'Fetch the file with "git xet" installed, or download it from the Hub.',
  },
  {
    begins: (text) => /^<{7} \S/m.test(text),
    what: 'text with an unresolved conflict of Git',
    remedy: 'Check out the version that is meant.',
  },
  {
    begins: startsWith(0x1f, 0x8b),
    what: 'compressed (gzip)',
    remedy: 'Decompress it; a server that sends it must say so in Content-Encoding.',
  },
  { begins: startsWith(0x28, 0xb5, 0x2f, 0xfd), what: 'compressed (zstd)', remedy: 'Decompress it.' },
  { begins: startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a), what: 'compressed (xz)', remedy: 'Decompress it.' },
  { begins: (text) => /^BZh[1-9]1AY/.test(text), what: 'compressed (bzip2)', remedy: 'Decompress it.' },
  { begins: startsWith(0x37, 0x7a, 0xbc, 0xaf), what: 'an archive (7z)', remedy: 'Unpack it.' },
  { begins: (text) => /^Rar!/.test(text), what: 'an archive (rar)', remedy: 'Unpack it.' },
  { begins: (_, bytes) => ascii(bytes, 257, 5) === 'ustar', what: 'an archive (tar)', remedy: 'Unpack it.' },
  {
    begins: startsWith(0x50, 0x4b, 3, 4),
    what: 'a zip archive, which is also how PyTorch saves weights',
    remedy: 'Unpack it; or, where it is of torch.save, convert it to safetensors with transformers.',
  },
  {
    begins: (_, [mark, version, next]) => mark === 0x80 && version! >= 2 && version! <= 5 && next !== undefined,
    what: 'a Python pickle, as PyTorch once saved weights',
    remedy: convert,
  },
  {
    begins: startsWith(0x89, 0x48, 0x44, 0x46),
    what: 'HDF5, as TensorFlow and Keras save weights',
    remedy: convert,
  },
  { begins: startsWith(0x93, 0x4e, 0x55, 0x4d), what: "NumPy's", remedy: convert },
  { begins: (text) => /^(lmgg|fmgg|tjgg|algg)/.test(text), what: 'GGML of before GGUF', remedy: 'Get it as GGUF.' },
  {
    begins: (text, [field, version]) => field === 8 && version! < 32 && /^.{2,40}(pytorch|onnx|tf2onnx)/s.test(text),
    what: 'ONNX',
    remedy: 'Get the model as safetensors: from ONNX nothing is read.',
  },
  {
    begins: (_, [first, second]) => (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff),
    what: 'text in UTF-16',
    remedy: 'Save it as UTF-8.',
  },
]

function startsWith(...signature: number[]): (text: string, bytes: Uint8Array) => boolean {
  return (_, bytes) => signature.every((byte, i) => bytes[i] === byte)
}

const ascii = (bytes: Uint8Array, start: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(start, start + length))

/** Servers say in words what they do not give. */
export function plainText(bytes: Uint8Array): Instead | undefined {
  // A piece may end within a character.
  const text = new TextDecoder().decode(bytes, { stream: true })
  if (!/^[\p{L}\p{P}\p{S}\p{N}\p{M}\s]{4,}$/u.test(text) || text.includes('\ufffd')) return undefined
  const [line = ''] = text.trim().split('\n')
  return { what: `text: ${escapeControls(JSON.stringify(line.slice(0, 60)))}`, remedy: again }
}
