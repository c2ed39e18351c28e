import type { SamplingFlags, SpeculationFlags } from '../options/groups'

/** What can be changed while a conversation goes on. */
export interface ChatSettings extends SamplingFlags, SpeculationFlags {
  /** The most tokens of an answer. */
  maxTokens: number
  /** Whether the draft is used, where there is one. */
  drafting: boolean
}
