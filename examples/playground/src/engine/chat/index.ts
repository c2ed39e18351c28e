import type { SpeculationFigures } from '@outrider/speculative'
import type { ChatMessage } from '@outrider/transformer'
import type { Session } from '../session'
import { type AnswerEnd, answerOf, type ChatBlock } from './answer'
import { KeptPrefixes } from './kept-prefixes'
import { type ChatSettings, defaultSettings } from './settings'
import { Speculations } from './speculation'

export type { AnswerEnd, ChatBlock } from './answer'
export { type ChatSettings, defaultSettings } from './settings'

interface Listener {
  onBlock: (block: ChatBlock) => unknown
  onFigures: (figures: SpeculationFigures) => unknown
}

/** Conversations with the target, speculatively. */
export function chatRoom(session: Session) {
  let settings = defaultSettings
  let controller: AbortController | undefined
  /** Work that no answer waits for: one that is asked for stops it. */
  let ahead = new AbortController()
  let listener: Listener = { onBlock: () => {}, onFigures: () => {} }
  /** The answer that is being made, if any: one is made at a time. */
  let running: Promise<unknown> = Promise.resolve()
  const speculations = new Speculations(session, () => settings)
  const prefixes = new KeptPrefixes()

  /** Does one thing after the other. */
  function next<T>(begin: () => Promise<T>): Promise<T> {
    const work = running.then(begin)
    session.hold(work)
    running = work.catch(() => undefined)
    return work
  }

  /** Works while no answer is wanted. Gives whether it came to its end. */
  function whileIdle(begin: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    ahead.abort()
    ahead = new AbortController()
    const { signal } = ahead
    return next(async () => {
      if (!session.target || signal.aborted) return false
      try {
        await begin(signal)
        return true
      } catch (error) {
        if (signal.aborted) return false
        throw error
      }
    })
  }

  /** What steps cost is for figures and for choosing γ: the first answer does without. */
  function measure(): void {
    const measured = whileIdle(async (signal) => {
      if (await speculations.measure(signal)) listener.onFigures(speculations.now().figures())
    })
    // What is wrong with a model or device is said where it answers.
    void measured.catch(() => undefined)
  }

  return {
    /** Takes effect from the next block on, also of an answer that is being made. */
    configure(change: Partial<ChatSettings>): void {
      settings = { ...settings, ...change }
    },

    /** Who hears of the blocks of all answers, and of figures that are known better between them. */
    listen(onBlock: Listener['onBlock'], onFigures: Listener['onFigures'] = () => {}): void {
      listener = { onBlock, onFigures }
    },

    /**
     * Compiles what the first answer with what is open now needs, and then, while nobody asks, measures what steps cost. Gives
     * whether all was compiled, once it is: an answer that is asked for meanwhile does not wait for it.
     */
    async prepare(): Promise<boolean> {
      const isCompiled = await whileIdle((signal) => speculations.compile(signal))
      if (isCompiled) measure()
      return isCompiled
    },

    /** Answers a conversation, block by block; an answer that is being made is stopped. */
    async answer(id: number, messages: ChatMessage[]): Promise<AnswerEnd> {
      controller?.abort()
      ahead.abort()
      controller = new AbortController()
      const { signal } = controller
      let heard: unknown
      const onBlock = (block: Omit<ChatBlock, 'answer'>) => {
        heard = listener.onBlock({ ...block, answer: id })
      }
      const end = await next(() =>
        answerOf({ session, speculations, prefixes, settings: () => settings, messages, signal, onBlock }),
      )
      // One that was stopped makes room for something else.
      if (!signal.aborted) measure()
      // The listener is in another thread: it hears of the end after all blocks.
      await heard
      return end
    },

    /** Stops the answer that is being made; resolves when it has ended. */
    async stop(): Promise<void> {
      controller?.abort()
      ahead.abort()
      await running
    },

    /** Figures begin anew. */
    resetFigures: (): void => speculations.reset(),
  }
}
