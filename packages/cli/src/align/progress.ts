import type { AlignEvent } from '@outrider/align'
import { duration, type Terminal } from '../terminal'
import { printPlan } from './plan-text'

/** Shows what a run tells of itself: stages with what they are for, progress with its curve, and the plan once it is made. */
export function alignProgress(terminal: Terminal): (event: AlignEvent) => void {
  const { noteStyle } = terminal
  let line: { label: string; progress: ReturnType<Terminal['progress']> } | undefined
  return (event) => {
    switch (event.kind) {
      case 'plan':
        terminal.endProgress()
        return printPlan(terminal, event)
      case 'stage': {
        const time = event.seconds === null ? '' : ` (about ${duration(event.seconds)})`
        terminal.endProgress()
        line = undefined
        terminal.note(`\n${noteStyle.bold(event.stage)}${time}`)
        return terminal.noteParagraph(event.text, '  ')
      }
      case 'progress': {
        const { label, done, total, unit, note, figure } = event
        if (line?.label !== label) {
          const curve = figure && { curve: figure.name, decimals: figure.decimals }
          line = { label, progress: terminal.progress({ label, total, unit, start: startOf(event), ...curve }) }
        }
        return line.progress.update(done, note, figure?.value)
      }
      case 'note':
        return terminal.note(event.text)
      case 'warning':
        line = undefined
        return terminal.warn(event.text)
      case 'log': // the progress line has these figures
        return
    }
  }
}

/** What was done before: the first that is told of answers is how many there are, and of steps the first that was taken. */
const startOf = ({ done, unit }: { done: number; unit: string }) => (unit === 'steps' ? done - 1 : done)
