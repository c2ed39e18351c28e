import { fileURLToPath } from 'node:url'
import { type ChatMessage, openCausalLM } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { fitPrompt, type PromptTarget } from './prompt'

const folder = fileURLToPath(new URL('../../../../../packages/cli/assets/tiny-chat', import.meta.url))
const target: PromptTarget = await openCausalLM(folder)
const said = (text: string): ChatMessage => ({ role: 'user', content: text })
const answered = (text: string): ChatMessage => ({ role: 'assistant', content: text })
const story = 'At night Ravi went to the market with a fox. He found a red kite there and was happy.'
const read = (ids: readonly number[]) => target.tokenizer.decode([...ids])

describe('a conversation that is longer than the context', () => {
  const messages = [said('One?'), answered(story), said('Two?'), answered(story), said('Three?')]

  it('loses its oldest exchanges until an answer fits after it', () => {
    const all = fitPrompt({ ...target, config: { ...target.config, contextLength: 1000 } }, messages, 256)
    expect(all.leftOut).toBe(0)
    const { ids, leftOut } = fitPrompt(target, messages, 256)
    expect(leftOut).toBe(2)
    expect(read(ids)).not.toContain('One?')
    expect(read(ids)).toMatch(/Two\?.*Three\?/)
    expect(ids.length).toBeLessThanOrEqual(target.config.contextLength / 2)
  })

  it('keeps its system text and its last message', () => {
    const opened = [{ role: 'system', content: 'Be brief.' } as const, ...messages, answered(story), said('Four?')]
    const { ids } = fitPrompt(target, opened, 256)
    expect(read(ids)).toMatch(/Be brief\..*Four\?/)
  })

  it('is refused when the last message alone is too long', () => {
    expect(() => fitPrompt(target, [said(story.repeat(6))], 256)).toThrow(/the model's context is 128/)
  })

  it('is a text to go on with for a model without chat template', () => {
    const { chatTemplate: _, ...base } = target
    expect(read(fitPrompt(base, [said('At night'), answered(' Ravi'), said(' went')], 8).ids)).toContain(
      'At night Ravi went',
    )
  })
})
