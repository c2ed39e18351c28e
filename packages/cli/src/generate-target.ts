import { OutriderError } from '@outrider/tensor'
import { batchFlags } from './batch-files'
import type { GenerateFlags } from './commands/generate'
import { assertEndpoint, endpointFlags } from './endpoint'
import { given, ofNoUse } from './options/given'
import { modelSource } from './options/groups'

/** Makes sure that there is a target, here or elsewhere, and nothing is asked of one that only the other has. */
export function assertTarget(flags: GenerateFlags): void {
  const { target, seeds = [] } = flags
  const refuse = (what: string, remedy: string) => new OutriderError('INVALID_ARGUMENT', what, { remedy })
  if (flags.writeBatch !== undefined || flags.readBatch) {
    assertBatch(flags)
    return
  }
  const ofBatch = given(flags, batchFlags)
  if (ofBatch) throw ofNoUse(ofBatch, 'without --write-batch', ', or give --write-batch')
  if (flags.endpoint === undefined && target === undefined)
    throw refuse('There is no target.', `Give --target, ${modelSource}, or --endpoint and --model.`)
  if (!assertEndpoint(flags)) return
  if (seeds.length === 0) throw refuse('A target at an endpoint writes no seeds itself.', 'Give --seeds.')
  const useless = given(flags, ['draft', 'dtype', 'cacheDtype', 'batchSize', 'targetStates', ...ofSelfWritten])
  if (useless) throw ofNoUse(useless, 'with --endpoint')
}

export const ofSelfWritten = ['selfSeeds', 'openingShare', 'scripts', 'texts'] as const

/** By files nothing is asked while the command runs, so that there is nothing to say of how. */
function assertBatch(flags: GenerateFlags): void {
  const { model, seeds = [], writeBatch, readBatch } = flags
  const option = writeBatch === undefined ? '--read-batch' : '--write-batch'
  const refuse = (what: string, remedy: string) => new OutriderError('INVALID_ARGUMENT', what, { remedy })
  if (writeBatch !== undefined && readBatch)
    throw refuse('--write-batch and --read-batch are two runs.', 'Have the engine answer what the first wrote.')
  if (model === undefined) throw refuse(`${option} needs --model.`, 'Give the name that the engine has for the target.')
  if (seeds.length === 0) throw refuse('A target that is asked by files writes no seeds itself.', 'Give --seeds.')
  const useless = given(flags, [
    ...(['target', 'draft', 'endpoint', 'dtype', 'cacheDtype', 'batchSize', 'targetStates'] as const),
    ...endpointFlags.filter((flag) => flag !== 'model' && (flag !== 'prices' || readBatch === undefined)),
    ...(readBatch ? batchFlags : []),
    ...ofSelfWritten,
  ])
  if (useless) throw ofNoUse(useless, `with ${option}`)
}
