import { fixed, type Terminal } from './terminal'

/**
 * The progress of a training run, step by step, with the curve of what it is about: α where there is a target to be
 * aligned with, else the loss.
 */
export function stepProgress(
  terminal: Terminal,
  { label, steps, step, withTarget }: { label: string; steps: number; step: number; withTarget: boolean },
): (figures: { step: number; loss: number; acceptanceRate?: number | undefined }) => void {
  const progress = terminal.progress({
    label,
    total: steps,
    unit: 'steps',
    start: step - 1,
    curve: withTarget ? 'α' : 'loss',
  })
  return ({ step, loss, acceptanceRate }) => {
    const alpha = acceptanceRate === undefined ? '' : `, α ${fixed(acceptanceRate, 3)}`
    progress.update(step, `loss ${fixed(loss, 3)}${alpha}`, acceptanceRate ?? loss)
  }
}
