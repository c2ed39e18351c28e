import { OutriderError } from '@outrider/tensor'
import { compareVocabularies, type OpenedModel, openCausalLM, parameterCount } from '@outrider/transformer'
import { count } from '../../terminal'
import type { Candidate } from './candidates'

/** Why a model is no draft for another. */
export interface Obstacle {
  /** An error's code, or NOT_SMALLER. */
  code: string
  why: string
}

/** A candidate, and what its headers say: why it cannot draft, or that it can. */
export type Examined = Candidate & ({ obstacle: Obstacle } | { parameters: number })

/** Looks at a candidate's headers and its tokenizer; no weights are read. */
export async function examine(
  candidate: Candidate,
  target: OpenedModel,
  { signal }: { signal: AbortSignal },
): Promise<Examined> {
  try {
    const { place, file } = candidate
    // What its files say that is passed over is told of when it is used.
    const opened = await openCausalLM(place, { file, signal, onWarning: () => undefined })
    compareVocabularies(target, opened)
    const parameters = parameterCount(opened.config)
    const most = parameterCount(target.config)
    if (parameters < most) return { ...candidate, parameters }
    const why = `it has ${count(parameters)} parameters, and the model itself ${count(most)}`
    return { ...candidate, obstacle: { code: 'NOT_SMALLER', why } }
  } catch (error) {
    return { ...candidate, obstacle: obstacleOf(candidate, error) }
  }
}

/**
 * What an error says of the model that it is about.
 *
 * @throws the error, where it is about something else: an interruption, the device
 */
export function obstacleOf({ name }: Candidate, error: unknown): Obstacle {
  if (!(error instanceof OutriderError) || error.code === 'ABORTED' || error.code === 'DEVICE_LOST') throw error
  const { code, message, remedy, details } = error
  if (code === 'VOCABULARY_MISMATCH') return { code, why: otherTokens(details) }
  // The message ends in what to do about it; here it is why this one is not among the drafts. Of which, is said already.
  const what = remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length) : message
  const why = what.startsWith(name) ? what.slice(name.length).replace(/^[:/ ]+/, '') : what
  return { code, why: why.trim().replace(/\.$/, '') }
}

function otherTokens({ targetSize, draftSize, token, targetPiece, draftPiece }: Record<string, unknown>): string {
  return targetSize === draftSize
    ? `other tokens: ${token} is ${draftPiece}, and in the model ${targetPiece}`
    : `a vocabulary of another size: ${draftSize} tokens, and the model has ${targetSize}`
}
