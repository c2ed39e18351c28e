import { testDevice } from '@outrider/tensor/testing'
import { createDraft, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { bundledTarget } from 'outrider/tiny-chat'
import { beforeAll, expect, it } from 'vitest'
import { blockEfficiencyOf, type CheckedAnswer, checkedAnswers, faultOf, promptsToCheck } from './check-card'
import { type Asked, promptsOf } from './prompts'

const asked: Asked[] = ['Tell me a story about a fox.', 'Which animal sings?'].map((content, prompt) => ({
  prompt,
  category: 'stories',
  asked: [{ role: 'user', content }],
}))
let target: PretrainedModel
beforeAll(async () => {
  target = await loadCausalLM(bundledTarget(), { device: await testDevice() })
})

async function answersWith(draft: PretrainedModel): Promise<CheckedAnswer[]> {
  const answers: CheckedAnswer[] = []
  for await (const answer of checkedAnswers({ target, draft }, asked, { maxTokens: 17 })) answers.push(answer)
  return answers
}

it('a draft that is the target gives four tokens a pass', async () => {
  const answers = await answersWith(target)
  expect(answers.map(({ isSame }) => isSame)).toEqual([true, true])
  for (const { tokens, passes } of answers) expect(passes).toBe(Math.ceil(tokens / 4))
}, 300_000)

it('one that learned nothing gives few, and the same ids', async () => {
  const answers = await answersWith(createDraft(target, { layers: 1, hiddenSize: 16, heads: 1 }))
  expect(answers.map(({ isSame }) => isSame)).toEqual([true, true])
  expect(blockEfficiencyOf(answers)).toBeLessThan(1.5)
  expect(faultOf(answers, { prompts: [0, 1], blockEfficiency: 4 })).toContain('apart')
}, 300_000)

it('a card is held to its τ over all its prompts and to the ids of plain decoding', () => {
  const answers: CheckedAnswer[] = [
    { prompt: 81, category: 'sums', tokens: 60, passes: 40, isSame: true },
    { prompt: 82, category: 'sums', tokens: 20, passes: 20, isSame: true },
  ]
  const card = { prompts: [81, 82], blockEfficiency: 4 / 3 }
  expect(blockEfficiencyOf(answers)).toBe(4 / 3)
  expect(faultOf(answers, card)).toBeUndefined()
  expect(faultOf(answers, { ...card, blockEfficiency: 1.36 })).toBeUndefined()
  expect(faultOf(answers, { ...card, blockEfficiency: 1.37 })).toBe(
    'The card says τ 1.37, and here it is 1.33: more than 0.03 apart.',
  )
  expect(faultOf(answers, { ...card, blockEfficiency: 1.29 })).toContain('τ 1.29')
  expect(faultOf(answers, { ...card, prompts: [81, 82, 90] })).toContain('not answered: 90')
  expect(faultOf([answers[0]!, { ...answers[1]!, isSame: false }], { ...card, blockEfficiency: 9 })).toContain('to 82')
})

it('a new card is made of some prompts of each category, and names what is checked', async () => {
  const prompts = await promptsOf()
  const chosen = promptsToCheck(prompts, undefined)
  expect(chosen).toHaveLength(20)
  expect(new Set(chosen.map(({ category }) => category)).size).toBe(6)
  const card = { prompts: chosen.map(({ prompt }) => prompt).reverse(), blockEfficiency: 1 }
  expect(promptsToCheck(prompts, card)).toEqual(chosen.reverse())
  expect(() => promptsToCheck(prompts, { ...card, prompts: [7] })).toThrow('lacks: 7')
})
