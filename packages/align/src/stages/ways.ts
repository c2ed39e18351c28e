/** Ways of drafting, by what they are called in tables; the last is all together. */
export const ways = {
  lookup: 'lookup',
  draft: 'draft',
  table: 'lookup+table',
  all: 'lookup+table+draft',
} as const
export type Way = (typeof ways)[keyof typeof ways]

/** The draft lengths that ways are measured with at a temperature, where the plan has `draftLength`. */
export const lengthsAt = (temperature: number, draftLength: number): (number | 'auto')[] =>
  temperature === 0 ? [draftLength, 'auto'] : ['auto']
