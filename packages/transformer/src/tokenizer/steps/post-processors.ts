import type { StepFields } from './step'

/** Puts marks around the ids of a text. */
export type PostProcessor = (ids: readonly number[]) => readonly number[]

/**
 * The `post_processor` of a tokenizer.json for a text alone, as Hugging Face's tokenizers 0.23 does it: by the ids that it
 * writes itself.
 *
 * @throws OutriderError UNSUPPORTED for a step that is not known, by name; FILE_FORMAT
 */
export const postProcessor = (step: StepFields): PostProcessor => step.known(postProcessors)(step)

/** The kinds of steps, and their keys; offsets and pairs of texts are not asked for here. */
export const postProcessors: Readonly<
  Record<string, { keys: readonly string[]; make: (step: StepFields) => PostProcessor }>
> = {
  Sequence: {
    keys: ['processors'],
    make: (step) => {
      const steps = step.steps('processors', postProcessor)
      return (ids) => steps.reduce((framed, one) => one(framed), ids)
    },
  },
  ByteLevel: { keys: ['add_prefix_space', 'trim_offsets', 'use_regex'], make: () => (ids) => ids },
  TemplateProcessing: { keys: ['single', 'pair', 'special_tokens'], make: templateProcessing },
  BertProcessing: { keys: ['sep', 'cls'], make: betweenMarks },
  RobertaProcessing: { keys: ['sep', 'cls', 'trim_offsets', 'add_prefix_space'], make: betweenMarks },
}

function templateProcessing(step: StepFields): PostProcessor {
  const marks = (step.raw('special_tokens') ?? {}) as Record<string, { ids?: unknown } | undefined>
  const idsOf = (name: unknown): number[] => {
    const ids = typeof name === 'string' && Object.hasOwn(marks, name) ? marks[name]?.ids : undefined
    if (isIds(ids)) return ids
    throw step.wrong('special_tokens', `a table with ids of ${JSON.stringify(name)}`)
  }
  const parts = step.list('single').map((part) => {
    const { SpecialToken, Sequence } = (part ?? {}) as { SpecialToken?: { id?: unknown }; Sequence?: { id?: unknown } }
    if (SpecialToken) return idsOf(SpecialToken.id)
    if (Sequence?.id === 'A') return undefined
    throw step.wrong('single', 'a list of special tokens and the sequence A')
  })
  return (ids) => parts.flatMap((mark) => mark ?? ids)
}

function betweenMarks(step: StepFields): PostProcessor {
  const idOf = (key: string): number => {
    const id = step.list(key)[1]
    if (isIds([id])) return id as number
    throw step.wrong(key, '[piece, id]')
  }
  const [cls, sep] = [idOf('cls'), idOf('sep')]
  return (ids) => [cls, ...ids, sep]
}

const isIds = (ids: unknown): ids is number[] =>
  Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0)
