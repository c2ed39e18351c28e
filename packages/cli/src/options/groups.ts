import { type DraftStop, type VerificationName, verificationNames } from '@outrider/speculative'
import { type CacheDtype, cacheDtypes, type LoadDtype, loadDtypes } from '@outrider/transformer'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { draftLength, draftStop, integer, number } from './parse'

/** What may be given for a model, for the help. */
export const modelSource = 'a Hugging Face directory, a .gguf file, or org/name of the Hub'

/** Element types that weights are converted to as they are loaded, and those of caches. */
export interface DtypeFlags {
  dtype?: LoadDtype
  draftDtype?: LoadDtype
  cacheDtype?: CacheDtype
}

/**
 * For what a model is used as it is: a command that trains it loads f32.
 *
 * @param options.draft  for what decodes with a draft: how that is loaded
 * @param options.cache  whose caches' contents may be chosen. Default both models', with a draft
 */
export function withDtype(
  command: Command,
  {
    draft = false,
    cache = draft ? 'both' : undefined,
  }: { draft?: boolean; cache?: 'both' | 'target' | undefined } = {},
): Command {
  const option = (flag: string, whose: string) =>
    new Option(`${flag} <dtype>`, `of the ${whose} on the device; default: as it is stored`).choices(loadDtypes)
  command.addOption(option('--dtype', 'weights'))
  if (draft) command.addOption(option('--draft-dtype', "draft's weights"))
  if (!cache) return command
  return command.addOption(cache === 'both' ? cacheDtype() : targetCacheDtype())
}

export const cacheDtype = (): Option =>
  new Option(
    '--cache-dtype <dtype>',
    'of the keys and values of tokens read; f16 takes half the memory and half the reading, q8_0 28 % (heads of a multiple of 32); both round',
  )
    .choices(cacheDtypes)
    .default('f32')

const targetCacheDtype = (): Option =>
  new Option(
    '--cache-dtype <dtype>',
    'of the keys and values of what the target reads, as it will be used: f16 and q8_0 (heads of a multiple of 32) round; default: f32',
  ).choices(cacheDtypes)

/** How answers are drawn. */
export interface SamplingFlags {
  temperature: number
  topK: number
  topP: number
  /** Undefined where none was given: then 0 is drawn with, and automatic draft lengths may go by the clock. */
  seed?: number | undefined
}

export const withSampling = (command: Command, defaults: { temperature?: number; topP?: number } = {}): Command =>
  command
    .option('--temperature <t>', '0 takes the likeliest token always', number({ least: 0 }), defaults.temperature ?? 0)
    .option('--top-k <k>', 'only the k likeliest tokens; 0 for all', integer(), 0)
    .option(
      '--top-p <p>',
      'only the likeliest tokens that together have this probability',
      probability,
      defaults.topP ?? 1,
    )
    .option('--seed <n>', 'the same seed gives the same tokens on the same adapter, whatever its load', integer())

/** How a draft is used. */
export interface SpeculationFlags {
  draftLength: number | 'auto'
  draftStop?: DraftStop | 'auto' | undefined
  verification: VerificationName
}

export const withSpeculation = (command: Command): Command =>
  withDraftStop(command)
    .option(
      '--draft-length <n>',
      'tokens drafted for a block (γ), or auto: by what is accepted and what steps cost, measured unless there is a seed',
      draftLength,
      'auto',
    )
    .option('--verification <rule>', 'token (Leviathan et al. 2023) or block (Sun et al. 2025)', verification, 'block')

export const withDraftStop = (command: Command): Command =>
  command.option(
    '--draft-stop <p>',
    'draft no further behind a token of which the draft is less sure than this, as 0.4; acceptance:0.4 goes by the entropy; auto: where measured costs say that it pays, which for small models they do not',
    draftStop,
  )

export function verification(text: string): VerificationName {
  const known = verificationNames.find((name) => name === text)
  if (known) return known
  throw new InvalidArgumentError(`It must be ${verificationNames.join(' or ')}.`)
}

export function probability(text: string): number {
  const value = number({ least: 0, most: 1 })(text)
  if (value > 0) return value
  throw new InvalidArgumentError('It must be above 0.')
}
