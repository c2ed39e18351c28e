/** What an instruction is about: `open` where the target chose it, `continuation` of a target that only continues texts. */
export type SeedCategory =
  | 'open'
  | 'continuation'
  | 'chat'
  | 'writing'
  | 'summarising'
  | 'code'
  | 'maths'
  | 'extraction'

/**
 * How instructions begin, by task; the target goes on from there. Their beginnings spread what is asked over the tasks that
 * drafts are used for, which a small target left to itself does not.
 */
// biome-ignore format: lists
export const openings: Record<Exclude<SeedCategory, 'open' | 'continuation'>, readonly string[]> = {
  chat: [
    'I have been thinking about', 'Can you help me decide whether', 'What should I do when my', 'Hi! I just started',
    'My friend told me that', 'How do people usually', 'What is the difference between', 'Could you recommend some',
    'Why do so many people', 'Tell me something surprising about',
  ],
  writing: [
    'Write a short story in which', 'Write an email to my landlord about', 'Draft a blog post that explains', 'Write a poem about',
    'Write a product description for', 'Compose a letter to', 'Write a speech for', 'Continue this story:\n\n',
    'Write a dialogue between', 'Rewrite this sentence so that it is more polite:',
  ],
  summarising: [
    'Summarize this article in two sentences:\n\n', 'Give me the main points of the following text:\n\n',
    'What is the passage below about?\n\n', 'Shorten this paragraph to one sentence:\n\n',
    'Write a title and a summary for this report:\n\n', 'Explain the following text to a child:\n\n',
    'Summarize the conversation below.\n\n', 'Here is a news story. What happened?\n\n',
  ],
  code: [
    'Write a Python function that', 'Write a JavaScript function which', 'Fix the bug in this code:\n\n', 'How do I sort a list of',
    'Write a SQL query that', 'Explain what this code does:\n\n', 'Write a shell script that', 'Write a class in Java for',
    'How can I read a file and', 'Write unit tests for a function that',
  ],
  maths: [
    'A farmer has', 'Solve the equation', 'A train leaves the station at', 'If a shop sells', 'What is the sum of',
    'Calculate the area of', 'Maria bought', 'How many different ways', 'A recipe needs', 'What is the probability that',
  ],
  extraction: [
    'List all the names that occur in this text:\n\n', 'Extract the dates and places from the paragraph below:\n\n',
    'Read the following text and answer the question at the end.\n\n', 'Put the facts of this text into a table:\n\n',
    'Which of these statements are true according to the text?\n\n', 'Find the prices in this advertisement:\n\n',
    'Turn the following notes into JSON:\n\n', 'Using only the passage below, say who',
  ],
}
