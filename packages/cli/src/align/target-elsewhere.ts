import type { TargetElsewhere } from '@outrider/align'
import { OutriderError } from '@outrider/tensor'
import { directory, openCausalLM } from '@outrider/transformer'
import type { Context } from '../context'
import { assertEndpoint, type EndpointFlags, openEndpoint, speakerOf } from '../endpoint'
import { exists } from '../missing-path'
import { given, ofNoUse } from '../options/given'

export interface ElsewhereFlags extends EndpointFlags {
  target: string
  top?: number
}

/**
 * Makes sure that nothing is asked of an endpoint that only a target here can do, and of one here nothing of an endpoint.
 *
 * @returns whether there is an endpoint
 * @throws OutriderError INVALID_ARGUMENT
 */
export function assertElsewhere(
  flags: ElsewhereFlags & { dtype?: string; cacheDtype?: string; only?: string },
): boolean {
  if (!assertEndpoint(flags)) {
    const useless = given(flags, ['top'])
    if (useless) throw ofNoUse(useless, 'without --endpoint', ', or give --endpoint')
    return false
  }
  const useless = given(flags, ['dtype', 'cacheDtype'])
  if (useless) throw ofNoUse(useless, 'with --endpoint')
  if (flags.only === 'evaluate')
    throw new OutriderError('INVALID_ARGUMENT', '--only evaluate needs the target here, and it is at the endpoint.', {
      remedy: 'Measure the pair where the target is: the end of a run says how.',
    })
  return true
}

/** The target behind --endpoint: what of it is in --target speaks for it, and its embedding is read where its weights are there. */
export async function targetElsewhere(context: Context, flags: ElsewhereFlags): Promise<TargetElsewhere> {
  const { target: path, top, concurrency, maxFailed } = flags
  const speaker = await speakerOf(context, path)
  const endpoint = await openEndpoint(context, flags, path)
  const { onWarning, signal } = context
  const weights = (await hasWeights(path)) ? (await openCausalLM(path, { onWarning, signal })).weights : undefined
  const device = await context.device()
  return { kind: 'endpoint', ...speaker, endpoint, device, topTokens: top, concurrency, maxFailed, weights }
}

/** A model of the Hub is not downloaded for its embedding. */
async function hasWeights(path: string): Promise<boolean> {
  if (!(await exists(path))) return false
  return /\.gguf$/i.test(path) || (await directory(path).list()).some((file) => file.endsWith('.safetensors'))
}
