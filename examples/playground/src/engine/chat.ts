import { promptLookup, SpeculativeDecoder, type TokenSource } from '@outrider/speculative'
import type { ChatMessage } from '@outrider/transformer'
import type { Session } from './session'

export interface ChatEvent {
  text: string
  sources: TokenSource[]
}

export function chatRoom(session: Session) {
  let stop: AbortController | undefined
  return {
    /** Answers a conversation, block by block. */
    async answer(messages: ChatMessage[], onBlock: (event: ChatEvent) => void): Promise<void> {
      const target = session.requireTarget()
      stop = new AbortController()
      const drafter = session.draft?.model ?? promptLookup()
      const decoder = new SpeculativeDecoder({ target, drafter, draftLength: 4 })
      for await (const { text, sources } of decoder.generate(messages, { signal: stop.signal }))
        onBlock({ text, sources })
    },
    stop: (): void => stop?.abort(),
  }
}
