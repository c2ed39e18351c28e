import { memoryDirectory } from '@outrider/transformer'
import { expect, it } from 'vitest'
import { BestOfRun, heldOutFigure, type KeepBestOptions } from './best-of-run'
import type { LogEntry } from './log'
import type { Objective } from './objective'
import type { TrainingOptions } from './train'

const measured = { target: {} } as Objective
const given = { validation: [{}], checkpoints: memoryDirectory() } as unknown as TrainingOptions
const bestBy = (options: KeepBestOptions, objective = measured, settings = given) =>
  new BestOfRun(options, settings, objective)

/** A validation every ten steps, and a step between. */
const history = (by: 'τ' | 'loss', ...figures: number[]): LogEntry[] =>
  figures.flatMap((figure, i) => [
    { step: 10 * i + 5, loss: 1 },
    by === 'loss'
      ? { step: 10 * i + 10, eval_loss: figure }
      : {
          step: 10 * i + 10,
          eval_loss: 1,
          eval_acceptance_rate: 0.5,
          eval_acceptance_length: { 3: figure, 5: 9 },
        },
  ])

function after(best: BestOfRun, entries: readonly LogEntry[]): BestOfRun {
  for (const entry of entries) if (entry.eval_loss !== undefined) best.take(entry)
  return best
}

it('the best validation is the first from which none differs by more than noise', () => {
  const taken = after(bestBy({ leastGain: 0.002 }), history('τ', 1.2, 1.3, 1.3005, 1.29))
  expect(taken.state).toEqual({
    best_global_step: 20,
    best_metric: 1.3,
    best_model_checkpoint: 'checkpoint-20',
  })
  expect(after(bestBy({}), history('τ', 1.2, 1.3, 1.3005, 1.3005)).entry?.step).toBe(30)
  expect(bestBy({}).state).toEqual({ best_global_step: null, best_metric: null, best_model_checkpoint: null })
})

it('of losses the best is the least, and the default where there is no target', () => {
  const losses = history('loss', 3, 2, 2.5, 1.95)
  expect(after(bestBy({ by: 'loss' }), losses).entry?.step).toBe(40)
  expect(after(bestBy({ leastGain: 0.1 }, {} as Objective), losses).entry?.step).toBe(20)
})

it('a run has stalled when so many validations have come after the best', () => {
  const stalled = (...tokens: number[]) => {
    const entries = history('τ', ...tokens)
    return after(bestBy({ patience: 3 }), entries).hasStalled(entries)
  }
  expect(stalled(1.2, 1.3, 1.29, 1.3)).toBe(false)
  expect(stalled(1.2, 1.3, 1.29, 1.3, 1.28)).toBe(true)
  expect(stalled()).toBe(false)
  const entries = history('τ', 2, 1, 1, 1, 1)
  expect(after(bestBy({}), entries).hasStalled(entries)).toBe(false)
})

it('rows that are too short for a block count by their acceptance', () => {
  const short = { step: 1, eval_loss: 1, eval_acceptance_rate: 0.4, eval_acceptance_length: {} }
  expect(heldOutFigure(short, 'acceptance-length')).toBe(1.4)
  const [, whole] = history('τ', 1.7)
  expect((['acceptance-length', 'acceptance-rate', 'loss'] as const).map((by) => heldOutFigure(whole!, by))).toEqual([
    1.7, 0.5, 1,
  ])
  expect(heldOutFigure({ step: 1, loss: 3 }, 'acceptance-length')).toBeUndefined()
})

it.each([
  ['no held-out batches', {}, measured, { ...given, validation: [] }, /found by held-out batches, and there are none/],
  ['no directory', {}, measured, { ...given, checkpoints: undefined }, /has no directory.*memoryDirectory/],
  ['no target', { by: 'acceptance-rate' as const }, {} as Objective, given, /against no target.*by 'loss'/],
  ['another figure', { by: 'tau' as 'loss' }, measured, given, /by must be acceptance-length, .*not tau/],
  ['a gain below nothing', { leastGain: -1 }, measured, given, /leastGain must be at least 0, not -1/],
  ['no patience', { patience: 0 }, measured, given, /patience must be a positive number of validations, not 0/],
])('refuses %s', (_, options, objective, settings, message) => {
  expect(() => bestBy(options, objective, settings as TrainingOptions)).toThrow(message)
})
