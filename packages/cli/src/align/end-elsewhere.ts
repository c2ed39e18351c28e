import { type Aligned, measuredElsewhere } from '@outrider/align'
import type { Terminal } from '../terminal'

interface Asked {
  target: string
  out: string
}

/** What measures a pair whose target is elsewhere. */
export const measuredBy = ({ target, out }: Asked, { plan, gguf }: Aligned) =>
  measuredElsewhere({ target, place: out, draftLength: plan.draftLength, gguf })

export const noneCanPayElsewhere =
  'By its parameters no draft can pay for this target: the smallest that is made has too many beside it, so nothing was trained. With --anyway a draft is trained all the same.'

/** What came out of a run to its end whose target is elsewhere, and how it is measured there. */
export function printEndElsewhere(terminal: Terminal, asked: Asked, aligned: Aligned): void {
  terminal.print()
  terminal.printParagraph(terminal.style.bold(aligned.verdict!))
  terminal.print(`\nWritten to ${asked.out}, with report.html. To measure it where the target is:`)
  const commands = measuredBy(asked, aligned)
  for (const [i, { engine, command }] of commands.entries()) {
    if (commands[i - 1]?.engine !== engine) terminal.print(`  # ${engine}`)
    terminal.print(`  ${command}`)
  }
}
