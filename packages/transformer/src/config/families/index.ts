import { OutriderError } from '@outrider/tensor'
import type { ModelFamily } from './family'
import { gemma2 } from './gemma2'
import { gemma3 } from './gemma3'
import { granite } from './granite'
import { llama } from './llama'
import { mistral } from './mistral'
import { olmo2 } from './olmo2'
import { phi3 } from './phi3'
import { qwen2 } from './qwen2'
import { qwen3 } from './qwen3'
import { smollm3 } from './smollm3'

export type { GgufForm, Implied, ModelFamily, OptionalField } from './family'

/** The families that are implemented. A new one is a file beside these and a name here. */
export const families: readonly ModelFamily[] = [
  llama,
  mistral,
  qwen2,
  qwen3,
  phi3,
  gemma2,
  gemma3,
  olmo2,
  smollm3,
  granite,
]

/**
 * The family of a configuration's `architecture`.
 *
 * @throws OutriderError INVALID_ARGUMENT for a name that is no family's
 */
export function familyOf({ architecture }: { architecture: string }): ModelFamily {
  const family = families.find(({ modelType }) => modelType === architecture)
  if (family) return family
  throw new OutriderError('INVALID_ARGUMENT', `"${architecture}" is not an architecture of models.`, {
    remedy: `Use one of ${families.map(({ modelType }) => modelType).join(', ')}.`,
  })
}
