import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import type { Offer } from './drafter'
import { promptLookup } from './prompt-lookup'

async function opened(options?: Parameters<typeof promptLookup>[0], capacity = 4096) {
  const device = await testDevice()
  return promptLookup(options).open({ device, vocabularySize: 50, capacity })
}

const request = { draftLength: 2, sampling: resolveSampling(), offset: 0 }

describe('prompt lookup', () => {
  it('drafts what followed the longest match, not the newest, and says how sure it is', async () => {
    const session = await opened()
    const tokens = [7, 1, 2, 3, 8, 9, 1, 2, 4, 7, 1, 2]
    expect(session.draft({ ...request, tokens })).toEqual({ ids: [3, 8] })
    expect(session.offers!(tokens, 15)).toEqual([
      { source: 'prompt', kind: '3 disputed', length: 9, acceptance: expect.any(Array) },
    ])
    const [{ acceptance }] = session.offers!([1, 2, 3, 4, 5, 5, 2], 3) as [Offer]
    expect(acceptance).toEqual([...acceptance!].sort((a, b) => a - b)) // what is accepted makes the match longer
    expect(acceptance).toHaveLength(3)
  })

  it('is surer where the same token followed each time, and less sure where different ones did', async () => {
    const offer = async (...tokens: number[]) => (await opened()).offers!([...tokens, 1, 2], 1)[0]!
    const once = await offer(7, 1, 2, 3, 8)
    const agreed = await offer(7, 1, 2, 3, 8, 2, 3)
    const disputed = await offer(7, 1, 2, 3, 8, 2, 4)
    expect([once, agreed, disputed].map(({ kind }) => kind)).toEqual(['2 once', '2 agreed', '2 disputed'])
    const sure = (of: Offer) => of.acceptance![0]!
    expect(sure(agreed)).toBeGreaterThan(sure(once))
    expect(sure(once)).toBeGreaterThan(sure(disputed))
    expect(sure(await offer(9, 8, 7, 6, 5, 4, 3, 1, 2, 3, 0, 9, 8, 7, 6, 5, 4, 3))).toBeGreaterThan(0.9)
  })

  it('takes the newest of equally long matches', async () => {
    const session = await opened()
    expect(session.draft({ ...request, tokens: [1, 2, 3, 0, 1, 2, 4, 5, 1, 2] })).toEqual({ ids: [4, 5] })
  })

  it('has nothing to say of what has not been there, or was there in fewer tokens than it asks for', async () => {
    expect((await opened()).offers!([1, 2, 3], 15)).toEqual([])
    expect((await opened()).draft({ ...request, tokens: [1, 2, 3, 1] })).toEqual({ ids: [2, 3] })
    expect((await opened({ minNgram: 2 })).draft({ ...request, tokens: [1, 2, 3, 1] })).toBeNull()
  })

  it('drafts as far as the text goes', async () => {
    const session = await opened()
    expect(session.draft({ ...request, draftLength: 9, tokens: [1, 2, 5, 1, 2] })).toEqual({ ids: [5, 1, 2] })
  })

  it('forgets what was taken back', async () => {
    const session = await opened()
    session.draft({ ...request, tokens: [1, 2, 3, 4, 9, 9, 1, 2] })
    session.keep(3)
    expect(session.draft({ ...request, tokens: [1, 2, 3, 7, 7, 7, 7, 2, 3] })).toEqual({ ids: [7, 7] })
  })

  it('finds in a growing text what a search through all of it finds', async () => {
    let state = 1
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return (state >>> 8) % below
    }
    const session = await opened()
    const tokens = [0, 1]
    for (let step = 0; step < 600; step++) {
      tokens.push(random(10) === 0 ? random(50) : (tokens.at(-1)! + random(3)) % 6)
      const draft = session.draft({ ...request, draftLength: 4, tokens })
      expect(draft).toEqual(searched(tokens, 4))
    }
  })
})

/** The newest of the longest matches, by comparing the end of the text with every place in it. */
function searched(tokens: readonly number[], count: number): { ids: number[] } | null {
  let best = { length: 0, next: 0 }
  for (let next = tokens.length - 1; next > 0; next--) {
    let length = 0
    while (length < next && length < 32 && tokens[next - 1 - length] === tokens[tokens.length - 1 - length]) length++
    if (length > best.length) best = { length, next }
  }
  return best.length > 0 ? { ids: tokens.slice(best.next, best.next + count) } : null
}
