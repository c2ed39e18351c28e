import type { ModelFamily } from './family'
import { llama } from './llama'
import { mistral } from './mistral'
import { phi3 } from './phi3'
import { qwen2 } from './qwen2'
import { qwen3 } from './qwen3'

export type { ModelFamily } from './family'

/** The families that are implemented. A new one is a file beside these and a name here. */
export const families: readonly ModelFamily[] = [llama, mistral, qwen2, qwen3, phi3]

/** The family of a configuration's `architecture`. */
export const familyOf = ({ architecture }: { architecture: string }): ModelFamily =>
  families.find(({ modelType }) => modelType === architecture) ?? llama
