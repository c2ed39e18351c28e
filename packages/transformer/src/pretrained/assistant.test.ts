import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { memoryDirectory, readJson } from '../files/index'
import { withAssistant } from './assistant'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'

describe('how transformers drafts with a model', () => {
  it('is written with it, read again and kept', async () => {
    const draft = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
    const [first, second] = [memoryDirectory(), memoryDirectory()]
    await saveCausalLM(draft, first, { assistant: { draftLength: 5, confidenceThreshold: 0 } })
    const written = await readJson(first, 'generation_config.json')
    expect(written).toMatchObject({
      num_assistant_tokens: 5,
      num_assistant_tokens_schedule: 'constant',
      assistant_confidence_threshold: 0,
    })
    const again = await loadCausalLM(first, { device: draft.model.device })
    await saveCausalLM(again, second)
    expect(await readJson(second, 'generation_config.json')).toEqual(written)
    await saveCausalLM(again, second, { assistant: { draftLength: 3 } })
    expect(await readJson(second, 'generation_config.json')).toEqual({
      ...(written as object),
      num_assistant_tokens: 3,
    })
    draft.dispose()
    again.dispose()
  })

  it.each([
    [{ draftLength: 0 }, /draftLength is 0/],
    [{ draftLength: 2.5 }, /draftLength is 2.5/],
    [{ draftLength: 3, confidenceThreshold: 1 }, /confidenceThreshold is 1/],
    [{ draftLength: 3, confidenceThreshold: Number.NaN }, /confidenceThreshold is NaN/],
  ])('is refused as %o', (settings, message) => {
    expect(() => withAssistant({ eosTokenIds: [] }, settings)).toThrow(message)
  })
})
