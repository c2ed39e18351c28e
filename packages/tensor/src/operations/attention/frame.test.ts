import { describe, expect, it } from 'vitest'
import { defineStartKernel } from '../starts'
import { decodingExchange } from './decoding-exchange'
import { flashSource } from './flash-source'
import {
  type AttentionForm,
  cached,
  combineSource,
  forwardSource,
  keyGradientSource,
  queryGradientSource,
} from './frame'
import { scoreUses } from './score'
import { sharedExchange } from './shared-exchange'
import { subgroupsExchange } from './subgroups-exchange'
import { wideSource } from './wide-source'

const wide = ({ score }: AttentionForm) => wideSource({ score, lanes: 8, vectors: 16, groups: 6 })

const flashOf = ({ score }: AttentionForm) => flashSource({ score, vectors: 16, across: 16, keys: 32, half: true })
const flash = (form: AttentionForm) => flashOf(form).source

const forms = [
  ['shared', forwardSource, sharedExchange],
  ['shared', queryGradientSource, sharedExchange],
  ['shared', keyGradientSource, sharedExchange],
  ['subgroups', forwardSource, subgroupsExchange(8, 16)],
  ['subgroups', queryGradientSource, subgroupsExchange(8, 16)],
  ['subgroups', keyGradientSource, subgroupsExchange(8, 16)],
  ['wide', wide, subgroupsExchange(8, 16)],
  ['decoding', forwardSource, decodingExchange],
  ['flash', flash, sharedExchange],
] as const

/** Those that read a cache, in whatever it holds. */
const passes = new Set<unknown>([forwardSource, wide])

/** The kernel of a form, as `attentionKernels` defines it. */
const kernelOf = (source: (form: AttentionForm) => string, form: AttentionForm) =>
  defineStartKernel({
    name: 'example',
    ...(source === flash
      ? flashOf(form)
      : {
          source: source(form),
          uses: [...(passes.has(source) ? [cached] : []), ...form.exchange.uses, ...scoreUses(form.score)],
          constants: form.exchange.constants,
        }),
  }).constant
const all = { capped: true, given: true }
const nothing = { capped: false, given: false }

describe('the text of an attention kernel', () => {
  it.each(forms)('takes nothing for a soft-cap or visibility that is not there (%s, %#)', (_, source, exchange) => {
    expect(source({ exchange, score: nothing })).not.toMatch(/softCap|tanh|visibility|bits/)
    const capped = kernelOf(source, { exchange, score: all })
    const { bindings, parameters } = kernelOf(source, { exchange, score: nothing })
    expect(capped.bindings.map(({ name }) => name)).toEqual([...bindings.map(({ name }) => name), 'visibility'])
    expect(capped.parameters.map(({ name }) => name)).toEqual([...parameters.map(({ name }) => name), 'softCap'])
  })

  it.each(forms)('binds no more than eight buffers with them (%s, %#)', (_, source, exchange) => {
    expect(kernelOf(source, { exchange, score: all }).bindings.length).toBeLessThanOrEqual(8)
  })

  it('of what makes a whole of splits binds visibility only where it is given', () => {
    const names = (given: boolean) =>
      defineStartKernel({
        name: 'combine',
        source: combineSource({ capped: false, given }),
        constants: ['VECTORS'],
      }).constant.bindings.map(({ name }) => name)
    expect(names(false)).toEqual(['outs', 'logSumExp', 'out'])
    expect(names(true)).toEqual(['outs', 'logSumExp', 'out', 'visibility'])
  })
})
