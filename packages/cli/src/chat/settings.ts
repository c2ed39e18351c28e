import type { SamplingFlags, SpeculationFlags } from '../options/groups'
import type { ProcessingFlags } from '../options/processing'

/** What can be changed while a conversation goes on. */
export interface ChatSettings extends SamplingFlags, ProcessingFlags, SpeculationFlags {
  /** The most tokens of an answer. */
  maxTokens: number
  /** Whether anything is drafted, where there is a draft or something to look up in. */
  drafting: boolean
  /** Whether what was said before is looked up first. */
  lookup: boolean
}
