import { fixed, type Terminal } from './terminal'

export interface StepFigures {
  step: number
  loss: number
  acceptanceRate?: number | undefined
  /** What else is to be said. */
  detail?: string | undefined
}

/**
 * The progress of a training run, step by step, with the curve of what it is about: α where there is a target to be
 * aligned with, else the loss.
 */
export function stepProgress(
  terminal: Terminal,
  { label, steps, step, withTarget }: { label: string; steps: number; step: number; withTarget: boolean },
): (figures: StepFigures) => void {
  const progress = terminal.progress({
    label,
    total: steps,
    unit: 'steps',
    start: step - 1,
    curve: withTarget ? 'α' : 'loss',
  })
  return ({ step, loss, acceptanceRate, detail }) => {
    const alpha = acceptanceRate === undefined ? '' : `, α ${fixed(acceptanceRate, 3)}`
    progress.update(step, `loss ${fixed(loss, 3)}${alpha}${detail ? `, ${detail}` : ''}`, acceptanceRate ?? loss)
  }
}
