import type { DraftChoice } from './policy'

const probeBlocks = 4

/** When kinds of drafts that are passed over are tried all the same: what was refused once may be accepted by now. */
export class Probes {
  readonly #interval: number
  readonly #kinds = new Map<string, Waiting>()

  /** @param interval  blocks that a kind is passed over before its first probe */
  constructor(interval: number) {
    this.#interval = interval
  }

  /** The draft to be probed in the next block, if any; all others but the best are passed over once more. */
  next(choices: readonly DraftChoice[], best: DraftChoice | null): DraftChoice | null {
    let probed: DraftChoice | null = null
    for (const choice of choices) {
      if (choice === best) continue
      const kind = this.#of(choice)
      if (kind.probing === 0 && kind.passed >= kind.interval) {
        kind.passed = 0
        kind.probing = probeBlocks
        kind.interval = Math.min(kind.interval * 2, this.#interval * 8)
      }
      if (kind.probing > 0) probed ??= choice
      else kind.passed++
    }
    return probed
  }

  /** Notes that a draft was made, and whether its kind is now the fastest. */
  observe(draft: Pick<DraftChoice, 'offer' | 'stop'>, isFastest: boolean): void {
    const kind = this.#of(draft)
    if (kind.probing > 0) kind.probing--
    if (isFastest) Object.assign(kind, { passed: 0, probing: 0, interval: this.#interval })
  }

  #of({ offer: { source, kind }, stop }: Pick<DraftChoice, 'offer' | 'stop'>): Waiting {
    const name = JSON.stringify([source, kind, stop !== undefined])
    const known = this.#kinds.get(name) ?? { passed: 0, probing: 0, interval: this.#interval }
    this.#kinds.set(name, known)
    return known
  }
}

/** Blocks that a kind was passed over, after how many it is probed, and how many of its probes are still to come. */
interface Waiting {
  passed: number
  interval: number
  probing: number
}
