import { type Command, InvalidArgumentError } from 'commander'
import { number, positive } from './parse'

/** What changes the logits that answers are drawn from, and which of the likeliest tokens stay. */
export interface ProcessingFlags {
  minP: number
  repetitionPenalty: number
  presencePenalty: number
  frequencyPenalty: number
  logitBias?: Record<number, number> | undefined
}

export const withProcessing = (command: Command): Command =>
  command
    .option('--min-p <p>', "only tokens at least so likely, as a share of the likeliest one's probability", share, 0)
    .option(
      '--repetition-penalty <r>',
      'divides the logits of what prompt and answer have, as in transformers and vLLM; 1 for none',
      positive,
      1,
    )
    .option('--presence-penalty <x>', "taken off the logits of what the answer has, as in OpenAI's API", number(), 0)
    .option('--frequency-penalty <x>', 'taken off once for each time that the answer has it', number(), 0)
    .option('--logit-bias <id:x...>', 'added to the logits of tokens, as 257:-100', logitBias)

export const share = number({ least: 0, most: 1 })

/** One of several biases: an id, and what is added to its logit. */
export function logitBias(text: string, before: Record<number, number> = {}): Record<number, number> {
  const [, id, bias] = /^(\d+):(.+)$/.exec(text) ?? []
  if (id === undefined) throw new InvalidArgumentError('It must be the id of a token and a number, as 257:-100.')
  return { ...before, [id]: number()(bias!) }
}

/** The same as options of generation. */
export const processingOf = ({
  minP,
  repetitionPenalty,
  presencePenalty,
  frequencyPenalty,
  logitBias,
}: ProcessingFlags) => ({ minP, repetitionPenalty, presencePenalty, frequencyPenalty, logitBias })
