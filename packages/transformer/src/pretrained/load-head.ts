import { type Device, OutriderError } from '@outrider/tensor'
import type { Directory } from '../files/index'
import { HeadAlone, headShapes } from '../model/head-alone'
import { type LoadOptions, openCausalLM } from './load'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'
import { type LoadDtype, loadParameters } from './weights'

/**
 * Loads what of a model is behind its last layer, its final norm and its head, with tokenizer and configuration: of a model of seventy
 * billion weights a hundredth. It makes distributions of hidden states that an engine elsewhere has computed (`openHiddenStates` of
 * `@outrider/training`), and reads no tokens. The caller disposes of it.
 *
 * @param source  as for `loadCausalLM`
 * @throws OutriderError as `loadCausalLM`; UNSUPPORTED for a head that covers some ids alone
 */
export async function loadHead(
  source: string | Directory,
  {
    device,
    dtype,
    onProgress,
    ...options
  }: Omit<LoadOptions, 'cacheDtype' | 'vocabulary'> & { device: Device; dtype?: LoadDtype | undefined },
): Promise<PretrainedModel<HeadAlone>> {
  const { config, weights, disregarded: _, ...rest } = await openCausalLM(source, options)
  if (config.coveredIds)
    throw new OutriderError(
      'UNSUPPORTED',
      `The head of ${rest.source} covers some ids alone: it is a trimmed draft's.`,
      {
        remedy: 'Load the whole model (loadCausalLM).',
      },
    )
  const loading = { disregarded: () => true, dtype, onProgress, signal: options.signal }
  const parameters = await loadParameters(device, weights, headShapes(config), loading)
  return pretrainedModel(new HeadAlone(device, config, parameters), rest)
}
