import { count, fixed, type Terminal } from '../../terminal'
import type { DraftsFound } from './find-draft'

/** What a draft must gain to be advised. */
const worthwhile = 1.05

const right = (title: string) => ({ title, align: 'right' as const })
const columns = [{ title: 'draft' }, ...['parameters', 'α', 'c', 'γ', 'τ', 'speed-up'].map(right)]

export function printDrafts(terminal: Terminal, found: DraftsFound): void {
  const { model, places, drafts, others } = found
  const { style } = terminal
  terminal.print(`\n${style.bold('Drafts')}   for ${model}, in ${places.join(', ')}`)
  if (drafts.length > 0)
    terminal.printTable(
      columns,
      drafts.map((draft) => [
        draft.name,
        count(draft.parameters),
        fixed(draft.acceptanceRate),
        fixed(draft.costRatio, 3),
        String(draft.draftLength),
        fixed(draft.blockEfficiency),
        `${fixed(draft.speedUp)}×`,
      ]),
    )
  terminal.print()
  terminal.printParagraph(verdict(found))
  if (others.length > 0)
    terminal.print(`\n${others.length === 1 ? 'One model' : `${others.length} models`} cannot draft for it:`)
  for (const { name, why } of others) terminal.printParagraph(`${style.yellow('•')} ${name}: ${why}`, '  ')
}

/** What to do, in a sentence or two. */
export function verdict({ model, drafts, others, lookupSpeedUp }: DraftsFound): string {
  const [best] = drafts
  const make = `One is made for it by: outrider align --target ${model} --out ./draft`
  if (!best) return others.length > 0 ? `None of them can draft for it. ${make}` : `No other model is there. ${make}`
  if (best.speedUp > worthwhile) return `Expect ${fixed(best.speedUp)}× of plain decoding here by: --draft ${best.name}`
  const lookup = lookupSpeedUp !== null && lookupSpeedUp > worthwhile
  const none =
    drafts.length === 1 ? 'It can draft, and gains nothing here' : 'They can draft, and none gains anything here'
  return lookup
    ? `${none}; --draft lookup, which needs no model, is expected to give ${fixed(lookupSpeedUp)}×.`
    : `${none}. ${make}`
}
