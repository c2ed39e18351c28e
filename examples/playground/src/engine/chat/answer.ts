import type { SpeculationFigures, TokenSource } from '@outrider/speculative'
import { Answer, type ChatMessage, type FinishReason, type PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'
import { learn } from './drafter'
import type { KeptPrefixes } from './kept-prefixes'
import { fitPrompt } from './prompt'
import type { ChatSettings } from './settings'
import type { Speculations } from './speculation'

/** What one pass of the target brought. */
export interface ChatBlock {
  /** Whose block it is. */
  answer: number
  /** Accepted ones with who drafted them, as in `Block.drafter`. */
  tokens: { text: string; source: TokenSource; drafter: string | undefined }[]
  /** Texts of the drafted tokens that were refused; the last token is in their place. */
  rejected: string[]
  figures: SpeculationFigures
}

/** How an answer went. */
export interface AnswerEnd {
  text: string
  finishReason: FinishReason | 'stopped'
  promptTokens: number
  tokens: number
  /** Passes of the target after the one over the prompt. */
  passes: number
  drafted: number
  accepted: number
  /** From the first token to the last. */
  seconds: number
  /** Messages at the beginning of the conversation that no longer fitted into the context. */
  leftOut: number
}

export interface AnswerOptions {
  session: Session
  speculations: Speculations
  prefixes: KeptPrefixes
  settings: () => ChatSettings
  messages: readonly ChatMessage[]
  signal: AbortSignal
  onBlock: (block: Omit<ChatBlock, 'answer'>) => void
}

/**
 * Answers a conversation. Speculation and γ change from one block to the next; when the drafter, the rule or the sampling
 * change on the way, decoding goes on from the same tokens with what is there now.
 */
export async function answerOf({
  session,
  speculations,
  prefixes,
  settings,
  messages,
  signal,
  onBlock,
}: AnswerOptions): Promise<AnswerEnd> {
  const target = session.requireTarget()
  const { ids, leftOut } = fitPrompt(target, messages, settings().maxTokens)
  const maxTokens = Math.min(settings().maxTokens, target.config.contextLength - ids.length)
  const answer = new Answer(target.tokenizer, {
    prompt: ids,
    eosTokenIds: target.generationConfig.eosTokenIds,
    maxTokens,
  })
  const counts = { passes: -1, drafted: 0, accepted: 0 }
  const { ledger } = session
  let end = ledger.begin(target.model.device)
  let first = 0
  let part = 0
  try {
    while (answer.room > 0 && !signal.aborted) {
      const { decoder, figures } = speculations.now()
      const sampling = samplingOf(settings())
      // Parts of one answer draw from random numbers of their own.
      const seed = sampling.seed + messages.length + 7919 * part++
      const prompt = [...ids, ...answer.tokens]
      const options = { ...sampling, seed, maxTokens: answer.room, signal, prefixes: prefixes.of(session) }
      for await (const { tokens, sources, drafter, drafted, accepted, rejected } of decoder.generate(prompt, options)) {
        const before = [...ids, ...answer.tokens, ...tokens.slice(0, accepted)]
        const pushed = tokens.map((token, i) => ({ text: answer.push(token), source: sources[i]!, drafter }))
        counts.passes++
        counts.drafted += drafted
        counts.accepted += accepted
        if (first === 0) {
          first = performance.now()
          end(`read ${ids.length} tokens of the prompt`)
          end = ledger.begin(target.model.device)
        }
        onBlock({ tokens: pushed, rejected: textsOf(target, before, rejected), figures: figures() })
        if (speculations.changed || !same(sampling, samplingOf(settings()))) break
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    if (answer.finishReason && settings().learnFromAnswers) learn(target, answer.tokens)
    end(
      first ? `answer with ${answer.tokens.length} tokens in ${counts.passes} passes` : 'an answer that was not begun',
    )
  }
  return {
    text: answer.text,
    finishReason: answer.finishReason ?? 'stopped',
    promptTokens: ids.length,
    tokens: answer.tokens.length,
    ...counts,
    seconds: first ? (performance.now() - first) / 1000 : 0,
    leftOut,
  }
}

const samplingOf = ({ temperature, topP, topK, seed }: ChatSettings) => ({ temperature, topP, topK, seed })

const same = (a: ReturnType<typeof samplingOf>, b: typeof a) => JSON.stringify(a) === JSON.stringify(b)

/** What ids would have added to a text. */
function textsOf({ tokenizer }: PretrainedModel, before: readonly number[], ids: readonly number[]): string[] {
  const stream = tokenizer.stream({ context: before })
  const texts = ids.map((id) => stream.push(id))
  if (texts.length > 0) texts[texts.length - 1] += stream.end()
  return texts
}
