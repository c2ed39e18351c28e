import type { ChatMessage } from '@outrider/transformer'
import type { Session } from '../session'
import { type AnswerEnd, answerOf, type ChatBlock } from './answer'
import { type ChatSettings, defaultSettings } from './settings'
import { Speculations } from './speculation'

export type { AnswerEnd, ChatBlock } from './answer'
export { type ChatSettings, defaultSettings } from './settings'

/** Conversations with the target, speculatively. */
export function chatRoom(session: Session) {
  let settings = defaultSettings
  let controller: AbortController | undefined
  let listener: (block: ChatBlock) => unknown = () => {}
  /** The answer that is being made, if any: one is made at a time. */
  let running: Promise<unknown> = Promise.resolve()
  const speculations = new Speculations(session, () => settings)

  return {
    /** Takes effect from the next block on, also of an answer that is being made. */
    configure(change: Partial<ChatSettings>): void {
      settings = { ...settings, ...change }
    },

    /** Who hears of the blocks of all answers. */
    listen(onBlock: (block: ChatBlock) => void): void {
      listener = onBlock
    },

    /** Compiles kernels and measures costs ahead of the first answer with what is open now. */
    async prepare(): Promise<void> {
      const work = running.then(async () => {
        if (session.target) await speculations.now()
      })
      session.hold(work)
      running = work.catch(() => undefined)
      await work
    },

    /** Answers a conversation, block by block; an answer that is being made is stopped. */
    async answer(id: number, messages: ChatMessage[]): Promise<AnswerEnd> {
      controller?.abort()
      controller = new AbortController()
      const { signal } = controller
      let heard: unknown
      const onBlock = (block: Omit<ChatBlock, 'answer'>) => {
        heard = listener({ ...block, answer: id })
      }
      const work = running.then(() =>
        answerOf({ session, speculations, settings: () => settings, messages, signal, onBlock }),
      )
      session.hold(work)
      running = work.catch(() => undefined)
      const end = await work
      // The listener is in another thread: it hears of the end after all blocks.
      await heard
      return end
    },

    /** Stops the answer that is being made; resolves when it has ended. */
    async stop(): Promise<void> {
      controller?.abort()
      await running
    },

    /** Figures begin anew. */
    resetFigures: (): void => speculations.reset(),
  }
}
