import type { Answer } from '@outrider/transformer'
import type { Block, TextPiece } from './block'
import type { Step } from './step'

/** Makes an answer's blocks of what steps added to it. */
export class AnswerBlocks {
  readonly answer: Answer
  /** Where each token of the answer comes from. */
  readonly #origins: Pick<TextPiece, 'source' | 'drafter'>[] = []

  constructor(answer: Answer) {
    this.answer = answer
  }

  /**
   * The block of a step: as many of its tokens as belong to the answer.
   *
   * @param drafter  who drafted, where something was
   */
  add(step: Step, drafter: string | undefined): Block {
    const { answer } = this
    const origins = this.#origins
    const { drafted } = step
    const last = drafted === 0 ? 'plain' : step.accepted === drafted ? 'bonus' : 'correction'
    const tokens: number[] = []
    const pieces: TextPiece[] = []
    for (const token of step.tokens) {
      if (answer.room === 0) break
      const isDrafted = tokens.length < step.accepted
      origins.push(isDrafted ? { source: 'draft', ...(drafter !== undefined && { drafter }) } : { source: last })
      tokens.push(token)
      for (const piece of answer.pushByToken(token)) pieces.push({ ...piece, ...origins[piece.index]! })
    }
    return {
      tokens,
      sources: origins.slice(-tokens.length).map(({ source }) => source),
      pieces,
      text: pieces.map((piece) => piece.text).join(''),
      drafted,
      ...(drafter !== undefined && { drafter }),
      accepted: Math.min(step.accepted, tokens.length),
      rejected: tokens.length > step.accepted ? step.rejected : [],
      ...(step.scored && { scored: step.scored.slice(0, tokens.length) }),
      ...(answer.finishReason && { finishReason: answer.finishReason }),
    }
  }
}
