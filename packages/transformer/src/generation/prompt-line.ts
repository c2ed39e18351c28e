import { isOutOfMemory } from './out-of-memory'
import { pieceMultiple, prefillPositions } from './prefill'
import type { PromptReading } from './prompt-reading'

/**
 * Prompts that are read between the steps of a batch, in the order in which they came: as many rows a step as let it end within a
 * time, by what steps and rows took before; at least one piece, so that no prompt waits for ever.
 */
export class PromptLine<Member> {
  readonly #maxSeconds: number
  readonly #line: { member: Member; reading: PromptReading }[] = []
  /** Of a step without a prompt, and of a row of a prompt; undefined before there was one. */
  #stepSeconds = 0
  #rowSeconds: number | undefined
  /** Rows that were read in the step that goes on, and the most that the next may have. */
  #rows = 0
  #most = pieceMultiple

  /** @param maxSeconds  of a step while others wait for theirs */
  constructor(maxSeconds: number) {
    this.#maxSeconds = maxSeconds
  }

  get count(): number {
    return this.#line.length
  }

  get members(): Member[] {
    return this.#line.map(({ member }) => member)
  }

  /** Takes the reading over. */
  join(member: Member, reading: PromptReading): void {
    this.#line.push({ member, reading })
  }

  /** @returns whether the member was in the line */
  leave(member: Member): boolean {
    const at = this.#line.findIndex((waiting) => waiting.member === member)
    if (at < 0) return false
    this.#line.splice(at, 1)[0]!.reading.dispose()
    return true
  }

  /**
   * Queues what is read in this step.
   *
   * @param othersWait  whether there are sequences that the step holds up
   * @param onPiece     told of each piece, when it is queued
   * @param onFailure   told of a prompt for which the device has no memory; it leaves the line, and others are read. Default: it is thrown
   * @returns those whose prompts have been read; their readings are the caller's to dispose of
   */
  read(
    othersWait: boolean,
    onPiece: (member: Member, reading: PromptReading) => void = () => {},
    onFailure?: (member: Member, error: unknown) => void,
  ): { member: Member; reading: PromptReading }[] {
    this.#rows = 0
    const budget = othersWait ? this.#budget() : prefillPositions
    const done: { member: Member; reading: PromptReading }[] = []
    for (let first = this.#line[0]; first && this.#rows < budget; first = this.#line[0]) {
      // A prompt's rest is a pass of its own, which may be left for the next step.
      const left = first.reading.tokens.length - first.reading.position
      if (this.#rows > 0 && this.#rows + Math.min(left, pieceMultiple) > budget) break
      try {
        this.#rows += first.reading.read(budget - this.#rows)
      } catch (error) {
        if (!onFailure || !isOutOfMemory(error)) throw error
        this.#line.shift()
        first.reading.dispose()
        onFailure(first.member, error)
        continue
      }
      onPiece(first.member, first.reading)
      if (!first.reading.isRead) continue
      done.push(first)
      this.#line.shift()
    }
    return done
  }

  /** Learns from what the step took in all. */
  observe(seconds: number): void {
    if (this.#rows === 0) {
      this.#stepSeconds += (seconds - this.#stepSeconds) * (this.#stepSeconds === 0 ? 1 : 0.2)
      return
    }
    const perRow = Math.max(0, seconds - this.#stepSeconds) / this.#rows
    this.#rowSeconds = this.#rowSeconds === undefined ? perRow : this.#rowSeconds + (perRow - this.#rowSeconds) * 0.3
    this.#most = Math.min(prefillPositions, 2 * Math.max(this.#rows, pieceMultiple))
  }

  dispose(): void {
    for (const { reading } of this.#line.splice(0)) reading.dispose()
  }

  /** In whole pieces; it grows by doubling, for what was learned of few rows may not be so of many. */
  #budget(): number {
    if (this.#rowSeconds === undefined) return pieceMultiple
    const rows = Math.max(0, this.#maxSeconds - this.#stepSeconds) / Math.max(this.#rowSeconds, 1e-9)
    return Math.max(pieceMultiple, Math.min(this.#most, Math.floor(rows / pieceMultiple) * pieceMultiple))
  }
}
