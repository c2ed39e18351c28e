import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '../tokenizer/index'
import { fitConversation } from './fit-conversation'

const message = (role: string, content: string): ChatMessage => ({ role, content }) as ChatMessage
const talk = [
  message('system', 'sys'),
  message('user', 'ask 1'),
  message('assistant', 'say 1'),
  message('user', 'ask 2'),
  message('assistant', 'say 2'),
  message('user', 'now'),
]
/** A token a character. */
const characters = (messages: ChatMessage[]) => messages.map(({ content }) => content).join('')

describe('a conversation', () => {
  it('is whole where it fits', () => {
    expect(fitConversation(talk, characters, { limit: 26 })).toEqual({
      prompt: 'sysask 1say 1ask 2say 2now',
      leftOut: 0,
    })
  })

  it('loses its oldest exchanges, question and answer, and keeps what the system said', () => {
    expect(fitConversation(talk, characters, { limit: 25 })).toEqual({ prompt: 'sysask 2say 2now', leftOut: 2 })
    expect(fitConversation(talk, characters, { limit: 15 })).toEqual({ prompt: 'sysnow', leftOut: 4 })
  })

  it('keeps its last question though it is longer than the limit', () => {
    expect(fitConversation(talk, characters, { limit: 1 })).toEqual({ prompt: 'sysnow', leftOut: 4 })
  })

  it('goes on without what was left out before', () => {
    expect(fitConversation(talk, characters, { limit: 99, leftOut: 2 })).toEqual({
      prompt: 'sysask 2say 2now',
      leftOut: 2,
    })
  })

  it('is encoded no more often than exchanges are left out', () => {
    let times = 0
    fitConversation(talk, (messages) => [++times, characters(messages)][1] as string, { limit: 16 })
    expect(times).toBe(2)
  })
})
