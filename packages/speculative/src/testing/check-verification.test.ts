import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { blockVerification } from '../verification/block'
import { verificationNames, verificationRule } from '../verification/by-name'
import { cautiousVerification } from '../verification/cautious.fixture'
import { defineVerification, type VerificationDefinition } from '../verification/define-verification'
import { drawFrom } from '../verification/draw'
import type { VerificationRule } from '../verification/rule'
import { tokenVerification } from '../verification/token'
import { checkVerification } from './check-verification'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** Typical acceptance (Cai et al. 2024, arXiv 2401.10774) with a plain threshold: it gains speed by changing the law. */
const typical: VerificationDefinition = {
  name: 'typical',
  keeps: 'unbroken',
  passes: 'q > 0.3',
  residual: 'q',
  reference({ q, tokens, uniforms }) {
    const accepted = Array.from(tokens).findIndex((x, i) => !(q[i]![x]! > 0.3))
    const kept = accepted < 0 ? tokens.length : accepted
    return { accepted: kept, next: drawFrom(q[kept]!, uniforms[tokens.length]!, [1]) }
  },
}

/** Token verification's definition. */
const { reference } = tokenVerification
const tokens = { keeps: 'unbroken', passes: 'u * p < q', residual: 'max(q - p, 0.0)', reference } as const

/** What a definition is refused with. */
const refusal = (definition: VerificationDefinition) =>
  checkVerification(defineVerification(definition), { device }).then(
    () => {
      throw new Error('it was not refused')
    },
    (error) => error,
  )

describe('a rule that is checked', () => {
  it('passes where it is exact, and says how many tokens a block has', async () => {
    const live = device.memory.liveBuffers
    // All that come with the package, by name: a new one is checked without a word here.
    const rules = [...verificationNames.map(verificationRule), cautiousVerification]
    const found = new Map<VerificationRule, number[]>()
    for (const rule of rules) {
      const { error, expectedTokens } = await checkVerification(rule, { device })
      expect(error).toBeLessThan(1e-12)
      found.set(rule, expectedTokens)
    }
    const [token, block, cautious] = [tokenVerification, blockVerification, cautiousVerification].map(
      (rule) => found.get(rule)!,
    ) as [number[], number[], number[]]
    for (const i of [0, 1, 2]) expect(cautious[i]).toBeLessThan(token[i]!)
    for (const i of [1, 2]) expect(block[i]).toBeGreaterThan(token[i]!)
    expect(device.memory.liveBuffers).toBe(live)
  })

  it('is refused where it is not exact, with the sequence that is furthest off and by how much', async () => {
    const error = await refusal(typical)
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', details: { draftLength: 1 } })
    const [, produced, wanted] =
      /typical is not exact: with γ = 1 the tokens \d, \d come with probability (0\.\d+), and the target gives them (0\.\d+)\./.exec(
        error.message,
      )!
    expect(Math.abs(Number(produced) - Number(wanted))).toBeCloseTo(error.details.error, 3)
    expect(error.details.error).toBeGreaterThan(0.01)
  })

  it('is refused where it is exact at every length alone, and not where the draft decides how long it is', async () => {
    const byLength: VerificationRule = {
      ...tokenVerification,
      name: 'by-length',
      reference: (input) => (input.tokens.length === 2 ? tokenVerification : blockVerification).reference(input),
    }
    await expect(checkVerification(byLength, { device })).rejects.toThrow(
      /by-length is not exact: with γ = 3, a draft that ends with its first 1 the tokens/,
    )
  })

  it('is refused where its kernels go on behind the end of a draft', async () => {
    const endless: VerificationRule = {
      ...tokenVerification,
      name: 'endless',
      verify: ({ count: _, ...input }) => tokenVerification.verify(input),
    }
    await expect(checkVerification(endless, { device })).rejects.toThrow(/endless: of \d tokens the device keeps/)
  })

  it('is refused where a rejection is followed by the target itself: the usual mistake', async () => {
    const careless: VerificationDefinition = {
      ...tokens,
      name: 'careless',
      residual: 'q',
      reference(input) {
        const { accepted } = reference(input)
        return { accepted, next: drawFrom(input.q[accepted]!, input.uniforms[input.tokens.length]!, [1]) }
      },
    }
    expect((await refusal(careless)).message).toContain('careless is not exact')
  })

  it.each<[string, Partial<VerificationDefinition>]>([
    ['passes other tokens', { passes: 'u * p < 0.5 * q' }],
    ['draws from something else', { residual: 'q' }],
    ['keeps the longest', { keeps: 'longest' }],
  ])('is refused where its WGSL %s than its reference', async (_, wrong) => {
    const { code, message } = await refusal({ name: 'torn', ...tokens, ...wrong })
    expect(code).toBe('INVALID_ARGUMENT')
    expect(message).toMatch(/torn: of \d tokens the device keeps \d and draws \d+ of \d+, its reference keeps/)
  })

  it('is refused where its reference keeps more than was drafted', async () => {
    const reference: VerificationDefinition['reference'] = ({ tokens }) => ({ accepted: tokens.length + 1, next: 0 })
    const error = await refusal({ ...typical, reference })
    expect(error.message).toBe('Verification rule typical keeps 2 of 1 tokens and draws 0 of 3.')
  })
})

describe('a definition', () => {
  it('refuses a name that is not plain', () => {
    const named = (name: string) => () => defineVerification({ ...typical, name })
    for (const name of ['', 'Two', 'two words', 'two\nlines'])
      expect(named(name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('is reported by name, with the expression, when its WGSL is wrong', async () => {
    const error = await refusal({ ...tokens, name: 'mistaken', passes: 'u * p <\n nothing' })
    expect(error).toMatchObject({
      code: 'KERNEL',
      message: expect.stringMatching(/\(mistaken\).*nothing.*mistaken: passes/s),
    })
    // Other rules are none the worse for it.
    await expect(checkVerification(tokenVerification, { device })).resolves.toBeDefined()
  })
})
