import { promptOf } from '@outrider/dataset'
import type { DraftTarget } from '@outrider/transformer'
import type { SeedRow } from './seed-row'

/**
 * Whether an engine has room for the whole of an answer behind an instruction: it refuses what might not fit, where a target in memory
 * ends the answer. What it says of an answer takes one place more.
 */
export const hasRoom =
  (target: Pick<DraftTarget, 'config' | 'tokenizer' | 'generationConfig' | 'chatTemplate'>, maxTokens: number) =>
  ({ messages }: SeedRow): boolean =>
    promptOf(target, messages).length + maxTokens < target.config.contextLength
