/** Something that could be better, with how to mend it. */
export interface Finding {
  level: 'problem' | 'note'
  what: string
  remedy: string
}
