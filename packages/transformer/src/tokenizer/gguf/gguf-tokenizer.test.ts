import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { asset } from '../../assets.fixture'
import { openGguf } from '../../files/gguf/read'
import { directory } from '../../files/index'
import { ggufTokenizer } from './from-gguf'

const folder = asset('tokenizers/llamacpp-vocab')

/** llama.cpp's conformance files: texts, and the ids of each. */
function conformance(name: string): { text: string; ids: number[] }[] {
  const texts = readFileSync(`${folder}/${name}.gguf.inp`, 'utf8').split('\n__ggml_vocab_test__\n')
  const ids = readFileSync(`${folder}/${name}.gguf.out`, 'utf8').split('\n')
  return texts.map((text, i) => ({ text, ids: (ids[i]!.match(/\d+/g) ?? []).map(Number) }))
}

describe('the tokenizer of a GGUF file', () => {
  it.each(['ggml-vocab-llama-spm', 'ggml-vocab-phi-3', 'ggml-vocab-gpt-2', 'ggml-vocab-falcon'])(
    'gives the ids of llama.cpp for all of its conformance texts: %s',
    async (name) => {
      const { tokenizer } = ggufTokenizer(await openGguf(directory(folder), `${name}.gguf`))
      const cases = conformance(name)
      expect(cases.length).toBeGreaterThan(40)
      const wrong = cases
        .map(({ text, ids }) => ({ text, ids, found: tokenizer.encode(text, { addSpecialTokens: false }) }))
        .filter(({ ids, found }) => ids.join() !== found.join())
      expect(wrong).toEqual([])
    },
  )
})
