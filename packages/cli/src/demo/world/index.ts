import { Dice } from './dice'
import { animals, people, places, things } from './lexicon'
import { happening, plot, portrait, summary, tellStory } from './story'
import { translation } from './zuli'

/** A kind of instruction that the small world's chat model understands. */
export type Task = 'open-ended' | 'summarise' | 'translate'

export const tasks: readonly Task[] = ['open-ended', 'summarise', 'translate']

/** An instruction with an answer of the kind that the target is trained to give. */
export interface Exchange {
  task: Task
  prompt: string
  answer: string
}

/** The plain text of the small world: stories, portraits, and a little that is written in Zuli, without a translation. */
export function plainText({ seed, count }: { seed: number; count: number }): string[] {
  const dice = new Dice(seed)
  return Array.from({ length: count }, () => {
    const kind = dice.roll()
    if (kind < 0.15) return translation(dice).zuli
    return kind < 0.35 ? portrait(dice, dice.pick(people)) : tellStory(dice, plot(dice))
  })
}

/** Instructions of the tasks wanted, in equal shares, with an answer each. The same seed gives the same exchanges. */
export function exchanges({
  seed,
  count,
  tasks: wanted = tasks,
}: {
  seed: number
  count: number
  tasks?: readonly Task[]
}): Exchange[] {
  const dice = new Dice(seed)
  return Array.from({ length: count }, (_, i) => exchange(dice, wanted[i % wanted.length]!))
}

function exchange(dice: Dice, task: Task): Exchange {
  if (task === 'translate') {
    const { english, zuli } = translation(dice)
    return { task, prompt: `Translate into Zuli: ${english}`, answer: zuli }
  }
  if (task === 'summarise') {
    const story = plot(dice)
    return { task, prompt: `Summarise this story: ${tellStory(dice, story)}`, answer: summary(story) }
  }
  return { task, ...openEnded(dice) }
}

function openEnded(dice: Dice): { prompt: string; answer: string } {
  const hero = dice.pick(people)
  const kind = dice.roll()
  if (kind < 0.25) return { prompt: `Tell me about ${hero.name}.`, answer: portrait(dice, hero) }
  if (kind < 0.65) {
    const place = dice.pick(places)
    return {
      prompt: `What did ${hero.name} do ${place.at}?`,
      answer: happening(dice, plot(dice, { hero, place }), true),
    }
  }
  const animal = dice.pick(Object.keys(animals))
  const thing = dice.pick(Object.keys(things))
  return {
    prompt: `Tell me a story about a ${animal} and a ${thing}.`,
    answer: tellStory(dice, plot(dice, { animal, thing })),
  }
}
