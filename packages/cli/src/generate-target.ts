import { OutriderError } from '@outrider/tensor'
import { batchFlags } from './batch-files'
import type { GenerateFlags } from './commands/generate'
import { endpointFlags } from './endpoint'
import { modelSource } from './options/groups'

/** Makes sure that there is a target, here or elsewhere, and nothing is asked of one that only the other has. */
export function assertTarget(flags: GenerateFlags): void {
  const { endpoint, target, model, seeds = [] } = flags
  const refuse = (what: string, remedy: string) => new OutriderError('INVALID_ARGUMENT', what, { remedy })
  if (flags.writeBatch !== undefined || flags.readBatch) {
    assertBatch(flags)
    return
  }
  const ofBatch = given(flags, batchFlags)
  if (ofBatch)
    throw refuse(`${ofBatch} is of no use without --write-batch.`, `Leave out ${ofBatch}, or give --write-batch.`)
  if (endpoint === undefined) {
    if (target === undefined)
      throw refuse('There is no target.', `Give --target, ${modelSource}, or --endpoint and --model.`)
    const useless = given(flags, endpointFlags)
    if (useless)
      throw refuse(`${useless} is of no use without --endpoint.`, `Leave out ${useless}, or give --endpoint.`)
    return
  }
  if (model === undefined)
    throw refuse(
      '--endpoint needs --model.',
      'Give the name that the server has for the target; GET /v1/models lists them.',
    )
  if (seeds.length === 0) throw refuse('A target at an endpoint writes no seeds itself.', 'Give --seeds.')
  const useless = given(flags, ['dtype', 'batchSize', 'targetStates', ...ofSelfWritten])
  if (useless) throw refuse(`${useless} is of no use with --endpoint.`, `Leave out ${useless}.`)
}

export const ofSelfWritten = ['selfSeeds', 'openingShare', 'scripts', 'texts'] as const

/** The first of these flags that is given, as it is written. */
export function given(flags: GenerateFlags, names: readonly (keyof GenerateFlags)[]): string | undefined {
  const name = names.find((name) => flags[name] !== undefined)
  return name && `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

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
    ...(['target', 'endpoint', 'dtype', 'batchSize', 'targetStates'] as const),
    ...endpointFlags.filter((flag) => flag !== 'model' && (flag !== 'prices' || readBatch === undefined)),
    ...(readBatch ? batchFlags : []),
    ...ofSelfWritten,
  ])
  if (useless) throw refuse(`${useless} is of no use with ${option}.`, `Leave out ${useless}.`)
}
