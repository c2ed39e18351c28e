import { elsewhereOf, type Plan, planTime, shapeName, stages } from '@outrider/align'
import { costRatio } from '@outrider/speculative'
import { count, duration, fixed, type Terminal } from '../terminal'

/** What was seen, and what follows from it. */
export function printPlan(terminal: Terminal, { plan, known }: { plan: Plan; known: boolean }): void {
  const { look, kind } = plan
  if (known) {
    terminal.note(`The run in this directory goes on, as it was planned: ${planTime(plan).text} in all.`)
    return
  }
  if (kind === 'text')
    terminal.printParagraph(
      'The target has no chat template, so it is aligned on plain continuations: of text, and of no conversations.',
    )
  const isElsewhere = elsewhereOf(plan.target) !== undefined
  if (!isElsewhere) printPasses(terminal, look)
  terminal.print(
    `\nWhat a draft could bring${isElsewhere ? ', as far as memory limits the engine (c by parameters)' : ''}: it pays from so many tokens a pass (τ); speed-up at acceptance rates α`,
  )
  terminal.printTable(
    [{ title: 'draft' }, ...['parameters', 'c', 'γ', 'τ needed', 'α 0.5', '0.6', '0.7'].map(right)],
    look.candidates.flatMap(({ shape, parameters, costs, ceilings }) =>
      ceilings.map(({ draftLength, breakEvenTokens, speedUp }, i) => [
        i === 0 ? shapeName(shape) : '',
        i === 0 ? count(parameters) : '',
        i === 0 ? fixed(costRatio(costs), 3) : '',
        `${draftLength}`,
        fixed(breakEvenTokens),
        ...speedUp.map(({ speedUp: gain }) => `${fixed(gain)}×`),
      ]),
    ),
  )
  if (look.lookupSpeedUp !== null)
    terminal.print(
      `\nLookups in the conversation need no draft: ${fixed(look.lookupSpeedUp)}× on the answers that were looked at.`,
    )
  terminal.print()
  terminal.printParagraph(planText(plan))
}

function printPasses(terminal: Terminal, { candidates }: Plan['look']): void {
  terminal.print('\nA pass of the target')
  const { targetSeconds } = candidates[0]!.costs
  terminal.printTable(
    ['rows', 'ms', 'of one row'].map(right),
    targetSeconds.map(({ rows, seconds }) => [
      `${rows}`,
      fixed(1000 * seconds, 1),
      `${fixed(seconds / targetSeconds[0]!.seconds)}×`,
    ]),
  )
}

function planText(plan: Plan): string {
  const { generate, draft, draftLength, seconds } = plan
  const asked = generate.given * generate.temperatures.length + generate.written
  const isDone = (stage: (typeof stages)[number]) =>
    stage !== 'look' && (stage !== 'evaluate' || !elsewhereOf(plan.target))
  const parts = stages.filter(isDone).map((stage) => `${stage} ${duration(seconds[stage])}`)
  return `The plan: a draft of ${shapeName(draft)}, γ ${draftLength}; ${asked} answers${generate.given > 0 ? `, those to ${generate.given} instructions of yours at ${generate.temperatures.length} temperatures` : ''}. It takes ${planTime(plan).text}: ${parts.join(', ')}.`
}

const right = (title: string) => ({ title, align: 'right' as const })
