import { fingerprints } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { contentHash } from '../files/content-hash'
import type { CacheDtype, CausalLM } from '../model/index'
import type { PretrainedModel } from './pretrained-model'

/** What a model computes with, in a few words: two models of one identity compute the same. */
export interface ModelIdentity {
  config: Record<string, unknown>
  /** What the weights are held in on the device, such as `f16, f32`. */
  dtype: string
  /** What keys and values are kept in, where that is not f32. */
  cache?: CacheDtype | undefined
  /** A hash of the weights as they are on the device, 32 hexadecimal digits. */
  weights: string
}

/**
 * Of a model as it is now: its weights are looked at where they are, on the device, in about the time of reading them once. It
 * is the same on every adapter that holds the weights in the same type. Of a model that shows no parameters, it is its
 * configuration alone.
 */
export async function modelIdentity({
  model,
  config,
}: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>): Promise<ModelIdentity> {
  const parameters = Object.entries(model.parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const prints = await fingerprints(parameters.map(([, tensor]) => tensor))
  return {
    config: { ...JSON.parse(JSON.stringify(config)), ...(await coverage(config)) },
    ...((model.cacheDtype ?? 'f32') !== 'f32' && { cache: model.cacheDtype }),
    dtype: [...new Set(parameters.map(([, { dtype }]) => dtype))].sort().join(', '),
    weights: await contentHash(parameters.map(([name, { dtype, shape }], i) => [name, dtype, shape, prints[i]])),
  }
}

/** Thousands of ids in a word: they are written down with every checkpoint, and printed where they are others. */
async function coverage(config: object) {
  const { coveredIds } = config as Pick<ModelConfig, 'coveredIds'>
  return coveredIds && { coveredIds: `${coveredIds.length} ids, ${await contentHash([coveredIds])}` }
}
