import { expect, it } from 'vitest'
import { heldOut, instructions } from './data'
import { plan } from './plan'
import { tasks } from './world/index'

it('measures on instructions of every task that were not asked in training, each once', async () => {
  const asked = new Set<string>()
  for await (const row of instructions()) if (row.kind === 'conversation') asked.add(row.messages[0]!.content)
  expect(asked.size).toBeGreaterThan(plan.generation.instructions / 2)
  const prompts = heldOut(plan.evaluation.promptsPerTask)
  expect(prompts.map(({ task }) => task)).toEqual(
    Array.from({ length: plan.evaluation.promptsPerTask }, () => tasks).flat(),
  )
  expect(new Set(prompts.map(({ prompt }) => prompt)).size).toBe(prompts.length)
  for (const { prompt } of prompts) expect(asked).not.toContain(prompt)
})
