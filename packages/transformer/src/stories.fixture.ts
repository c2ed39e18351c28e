import { readFileSync } from 'node:fs'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { loadCausalLM, type PretrainedModel } from './pretrained/index'

interface ReferenceCase {
  prompt: string
  ids: number[]
  /** Logits after the prompt, from float64. */
  lastLogits: number[]
  greedy: number[]
  text: string
}

let loaded: Promise<PretrainedModel> | undefined

/** The stories260K model on the test device, loaded once a process. */
export function stories(): Promise<PretrainedModel> {
  loaded ??= testDevice().then((device) => loadCausalLM(testData('stories260K'), { device }))
  return loaded
}

/** What a float64 implementation says of it. */
export const storiesReference = (): ReferenceCase[] =>
  (JSON.parse(readFileSync(testData('stories260K/reference.json'), 'utf8')) as { cases: ReferenceCase[] }).cases
