import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export { anyText } from './any-text'
export { formulaWeight } from './formula-weight'

/**
 * The path of a file or folder of this package, such as `stories260K` or `vocabularies/phi-3.gguf`.
 *
 * @throws Error where there is none of that name: a test that needs it fails, it does not skip itself
 */
export function testData(name: string): string {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url))
  if (!existsSync(path)) throw new Error(`There is no test data named ${name}: ${path} is absent.`)
  return path
}

/** llama.cpp's conformance texts, and the ids that it gives each with one of its vocabularies (without a begin token). */
export function conformanceCases(
  vocabulary: 'llama-spm' | 'phi-3' | 'gpt-2' | 'falcon',
): { text: string; ids: number[] }[] {
  const texts = readFileSync(testData('vocabularies/texts.txt'), 'utf8').split('\n__ggml_vocab_test__\n')
  const ids = readFileSync(testData(`vocabularies/${vocabulary}.ids`), 'utf8').split('\n')
  return texts.map((text, i) => ({ text, ids: (ids[i]!.match(/\d+/g) ?? []).map(Number) }))
}
