import type { SeedRow } from './seed-row'

/** Whole instructions, for who has no time to let the target write some: how people ask, by task; `…` stands for what it is about. */
const openings: Readonly<Record<string, readonly string[]>> = {
  chat: [
    'What should I know about …?',
    'I have been thinking about … lately. Where would you begin?',
    'What do people often get wrong about …?',
    'How would you explain … to a child of ten?',
  ],
  writing: [
    'Write a short story about ….',
    'Write a friendly email to a colleague about ….',
    'Write a poem of four lines about ….',
    'Suggest five titles for an article about ….',
  ],
  summarising: [
    'Summarise what is known about … in three sentences.',
    'Give the main points about … as a list.',
    'In one paragraph, what are the advantages and disadvantages of …?',
  ],
  code: [
    'Write a Python function that works with data about …, and explain it.',
    'How would you store records about … in a database? Show the table.',
    'Write a small class in JavaScript that models ….',
  ],
  maths: [
    'A shop sells 24 books about … for 12 euros each and gives a discount of 15 percent. How much do all of them cost?',
    'In a group of 80 people, three of four are interested in …. How many are not?',
    'Make up a word problem with numbers about … and solve it step by step.',
  ],
  extraction: [
    'Name the people, places and dates that matter for …, as a table.',
    'List ten words that have to do with …, in alphabetical order.',
    'Give an example of a sentence about … and say which words in it are nouns.',
  ],
}

const subjects: readonly string[] = (
  'bicycles, the moon, bread, job interviews, rivers, the history of printing, ' +
  'gardening on a balcony, electric cars, sleep, learning a language, bees, chess, the water cycle, ' +
  'saving money, old maps, volcanoes, public libraries, moving to another city, coffee, ' +
  'photography, the Roman roads, recycling, fear of flying, mountain hiking, school uniforms, ' +
  'the human heart, working from home, trains, houseplants, board games, the speed of light, ' +
  'cooking for friends, climate and weather, dogs, music lessons, the invention of the wheel, ' +
  'healthy breakfasts, online shopping, lighthouses, the ocean floor, running, birthday parties, ' +
  'renting a flat, dinosaurs, time zones, the stock market, swimming, wind power'
).split(', ')

/** How texts begin, for a target that continues and does not answer. */
const beginnings = [
  'Once upon a time, there was somebody who knew all about …. ',
  'This article is an introduction to …. ',
  'The first thing that one learns about … is',
  'Question: What is … about? Answer:',
  'It was a cold morning, and everybody was talking about …. ',
  'There are three reasons to care about …. First,',
] as const

/** All that there are of a kind. */
export const openingCount = (kind: 'chat' | 'text'): number =>
  subjects.length * (kind === 'text' ? beginnings.length : Object.values(openings).flat().length)

/**
 * Openings of ours, by task and about many things: no two are the same, and any number of the first are spread over all tasks.
 *
 * @param count  no more than there are come back
 */
export function ownOpenings(count: number, kind: 'chat' | 'text'): SeedRow[] {
  const tasks: [string, readonly string[]][] = kind === 'text' ? [['text', beginnings]] : Object.entries(openings)
  const made: SeedRow[] = []
  // Task after task, and in each the next form with the next subject.
  for (let round = 0; made.length < Math.min(count, openingCount(kind)); round++)
    for (const [category, forms] of tasks) {
      if (round >= forms.length * subjects.length || made.length === count) continue
      const form = forms[round % forms.length]!
      const lap = Math.floor(round / subjects.length)
      const subject = subjects[(round * 7 + lap) % subjects.length]!
      made.push({ messages: [{ role: 'user', content: form.replace('…', subject) }], category })
    }
  return made
}
