import { expect, it } from 'vitest'
import { generalName } from './general-name'

it.each([
  ['./models/draft-aligned/', 'draft-aligned'],
  ['C:\\models\\my_draft', 'my draft'],
  ['HuggingFaceTB/SmolLM2-135M', 'SmolLM2-135M'],
  ['https://example.org/models/small.gguf?download=true', 'small'],
  ['draft for ./target', 'target draft'],
  ['draft for draft for org/target', 'target draft'],
  ['..', 'model'],
  ['', 'model'],
])('the name of %s is %s', (source, name) => {
  expect(generalName(source)).toBe(name)
})

// llama.cpp drops white space after special tokens where the name has phi-3 or phi3 in it, and [MASK] where modern-bert is.
it.each([
  ['/home/phi-3-tests/draft', 'draft'],
  ['drafts/Phi-3-mini', 'Phi 3-mini'],
  ['phi3', 'phi 3'],
  ['a-phi3-and-phi-3', 'a-phi 3-and-phi 3'],
  ['modern-bert', 'modern bert'],
])('no other model is seen in the name of %s', (source, name) => {
  expect(generalName(source)).toBe(name)
})

it.each([
  ['drafts/Phi-3-mini', 'Phi-3-mini'],
  ['drafts/aligned', 'aligned (phi-3)'],
])('Phi-3 is seen in the name of %s where the tokenizer wants it', (source, name) => {
  expect(generalName(source, { asPhi3: true })).toBe(name)
})
