import { testData } from '@outrider/test-data'
import { afterEach, expect, it, vi } from 'vitest'
import { type Directory, directory, type FileWarning, memoryDirectory } from '../files/index'
import { openCausalLM } from './load'

afterEach(() => vi.restoreAllMocks())

/** The small model, its authors wishing for more than is implemented. */
function withWishes(): Directory {
  const folder = directory(testData('stories260K'))
  const advice = memoryDirectory()
  const written = advice.write(
    'generation_config.json',
    JSON.stringify({ bos_token_id: 1, eos_token_id: 2, no_repeat_ngram_size: 3 }),
  )
  const at = async (file: string) => {
    await written
    return file === 'generation_config.json' ? advice : folder
  }
  return {
    ...folder,
    name: 'tiny',
    size: async (file) => (await at(file)).size(file),
    read: async (file, range) => (await at(file)).read(file, range),
    readText: async (file) => (await at(file)).readText(file),
  }
}

it('opening a model tells once of what is passed over, and where', async () => {
  const warnings: FileWarning[] = []
  const { generationConfig } = await openCausalLM(withWishes(), { onWarning: (warning) => warnings.push(warning) })
  expect(warnings).toMatchObject([{ file: 'tiny/generation_config.json', keys: ['no_repeat_ngram_size'] }])
  expect(generationConfig).toEqual({ bosTokenId: 1, eosTokenIds: [2], others: { no_repeat_ngram_size: 3 } })
})

it('opening a model warns on the console where nobody listens', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  await openCausalLM(withWishes())
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/^tiny\/generation_config.json: .*no_repeat_ngram_size/)]])
})
