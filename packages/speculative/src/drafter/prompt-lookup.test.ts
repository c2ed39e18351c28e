import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { lookUp, promptLookup } from './prompt-lookup'

const limits = { maxNgram: 3, minNgram: 1, count: 4 }

describe('prompt lookup', () => {
  it('continues the longest n-gram that occurred before', () => {
    expect(lookUp([1, 2, 3, 9, 8, 7, 6, 3, 5, 1, 2, 3], limits)).toEqual([9, 8, 7, 6])
  })

  it('takes the latest of several occurrences, and what there is of its continuation', () => {
    expect(lookUp([4, 1, 4, 2, 4], { ...limits, maxNgram: 1 })).toEqual([2, 4])
    expect(lookUp([7, 7], limits)).toEqual([7])
  })

  it('has nothing to say where nothing repeats', () => {
    expect(lookUp([1, 2, 3, 4], limits)).toEqual([])
    expect(lookUp([1], limits)).toEqual([])
  })

  it('is certain of what it drafts', async () => {
    const device = await testDevice()
    const session = promptLookup({ maxNgram: 2 }).open({ device, vocabularySize: 6, capacity: 100 })
    const request = { draftLength: 2, sampling: resolveSampling(), offset: 0 }
    expect(session.draft({ ...request, tokens: [1, 2, 3] })).toBeNull()
    const draft = device.scope(() => session.draft({ ...request, tokens: [1, 2, 5, 3, 1, 2] }))!
    expect([...(await draft.tokens.data())]).toEqual([5, 3])
    expect(await draft.probabilities.toArray()).toEqual([
      [0, 0, 0, 0, 0, 1],
      [0, 0, 0, 1, 0, 0],
    ])
    draft.tokens.dispose()
    draft.probabilities.dispose()
    session.dispose()
  })
})
