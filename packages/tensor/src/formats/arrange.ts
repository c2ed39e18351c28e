import type { Format } from './format'

/** Blocks as the device has them: the two regions of `DeviceFormat`. */
export interface ArrangedBlocks {
  words: Uint8Array
  rest: Uint8Array
}

/** Blocks of a file for the device. */
export function arrangeBlocks({ elements, bytes: blockBytes, device }: Format, bytes: Uint8Array): ArrangedBlocks {
  const { arrange } = device
  if (!arrange) return { words: bytes, rest: new Uint8Array() }
  const blocks = bytes.length / blockBytes
  const blockWords = (elements / 8) * device.words
  const words = new Uint32Array(blocks * blockWords)
  const rest = new Uint16Array(blocks * device.rest)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < blocks; i++) arrange(view, i * blockBytes, words, i * blockWords, rest, i * device.rest)
  return { words: new Uint8Array(words.buffer), rest: new Uint8Array(rest.buffer) }
}
