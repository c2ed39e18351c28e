/** What a model is asked that drafts are looked for: ten tasks of different kinds, answered in its own words. */
export const prompts: readonly string[] = [
  'What makes the leaves of some trees turn red in autumn?',
  'Write a short, friendly message to a neighbour who has left a bicycle in the stairwell.',
  'List five things that belong in a first-aid kit.',
  'Explain to a ten-year-old how a lock on a canal lifts a boat.',
  'Write a function in Python that counts the vowels of a text.',
  'A train leaves at 14:20 and arrives at 17:05. How long is the journey?',
  'Say this more politely: "Send me the report today."',
  'Which is better for a small balcony, tomatoes or beans, and why?',
  'Summarise in one sentence: The library opens at nine. On Fridays it closes at noon. It is shut on public holidays, and in August it opens only in the mornings.',
  'Begin a story about a lighthouse keeper who finds a letter in a bottle.',
]
