import { describe, expect, it } from 'vitest'
import { defineKernel } from '../../kernel'
import { broadcastExchange } from './broadcast-exchange'
import { decodingExchange } from './decoding-exchange'
import { combineSource, forwardSource, keyGradientSource, queryGradientSource } from './frame'
import { sharedExchange } from './shared-exchange'

const forms = [
  ['shared', forwardSource, sharedExchange],
  ['shared', queryGradientSource, sharedExchange],
  ['shared', keyGradientSource, sharedExchange],
  ['broadcast', forwardSource, broadcastExchange(8, 16)],
  ['broadcast', queryGradientSource, broadcastExchange(8, 16)],
  ['broadcast', keyGradientSource, broadcastExchange(8, 16)],
  ['decoding', forwardSource, decodingExchange],
] as const

describe('the text of an attention kernel', () => {
  it.each(forms)('takes nothing for a soft-cap or visibility that is not there (%s, %#)', (_, source, exchange) => {
    const plain = source({ exchange, score: { capped: false, given: false } })
    expect(plain).not.toMatch(/softCap|tanh|visibility|bits/)
    const capped = defineKernel({ name: 'capped', source: source({ exchange, score: { capped: true, given: true } }) })
    const { bindings, parameters } = defineKernel({ name: 'plain', source: plain })
    expect(capped.bindings.map(({ name }) => name)).toEqual([...bindings.map(({ name }) => name), 'visibility'])
    expect(capped.parameters.map(({ name }) => name)).toEqual([...parameters.map(({ name }) => name), 'softCap'])
  })

  it.each(forms)('binds no more than eight buffers with them (%s, %#)', (_, source, exchange) => {
    const { bindings } = defineKernel({
      name: 'all',
      source: source({ exchange, score: { capped: true, given: true } }),
    })
    expect(bindings.map(({ index }) => index)).toEqual(bindings.map((_, i) => i))
    expect(bindings.length).toBeLessThanOrEqual(8)
  })

  it('of what makes a whole of parts binds visibility only where it is given', () => {
    const names = (given: boolean) =>
      defineKernel({ name: 'combine', source: combineSource({ capped: false, given }) }).bindings.map(
        ({ name }) => name,
      )
    expect(names(false)).toEqual(['parts', 'shift', 'out'])
    expect(names(true)).toEqual(['parts', 'shift', 'out', 'visibility'])
  })
})
