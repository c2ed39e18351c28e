/**
 * Counters of a sequence's random numbers, each step's in a range of its own: of its drafts, of the uniforms of its verification,
 * and of its draw where nothing is drafted. So a step draws the same numbers whoever else is decoded.
 */
export const stepCounters = (step: number) => ({
  drafts: step * countersPerStep,
  verification: step * countersPerStep + 16,
  plain: step * countersPerStep + 32,
})

export type StepCounters = ReturnType<typeof stepCounters>

const countersPerStep = 64
