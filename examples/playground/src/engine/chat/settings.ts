import type { VerificationName } from '@outrider/speculative'

/** How answers are made. All of it may change in the middle of one. */
export interface ChatSettings {
  temperature: number
  topP: number
  /** 0 for all tokens. */
  topK: number
  seed: number
  maxTokens: number
  /** Whether anything is drafted at all. */
  speculate: boolean
  /** Whether what was said is looked up before a draft is asked. */
  lookUpFirst: boolean
  /** Whether answers are kept, in the memory of the page, and looked up in before a draft is asked. */
  learnFromAnswers: boolean
  /** γ. */
  draftLength: number | 'auto'
  verification: VerificationName
}

export const defaultSettings: ChatSettings = {
  temperature: 0,
  topP: 1,
  topK: 0,
  seed: 0,
  maxTokens: 1024,
  speculate: true,
  lookUpFirst: false,
  learnFromAnswers: false,
  draftLength: 4,
  verification: 'block',
}
