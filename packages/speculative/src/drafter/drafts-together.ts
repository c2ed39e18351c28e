/** Drafts of several sequences that are asked for one after another, and made together. */
export interface DraftGroup {
  /** Makes what was asked for since. */
  run(): void
  /**
   * Memory that it takes at most, beside what it takes now, until all of its sessions draft together, and if tokens are given one more of
   * so many; undefined where that is not known.
   */
  growth?(tokens?: number): number | undefined
  dispose(): void
}

/**
 * What the drafts of a batch have in common: a session that is opened with it may put off what it is asked to draft until all have
 * been asked (`run`), so that a model's passes are over the sequences together. What a session returns has its memory by then, and
 * no session is told anything before. Drafts have the bits that they have alone.
 */
export class DraftsTogether {
  /** The most sequences. */
  readonly size: number
  readonly #groups = new Map<object, DraftGroup>()

  constructor(size: number) {
    this.size = size
  }

  /** The group of whatever drafts, made when it is first asked for. */
  of<Group extends DraftGroup>(drafts: object, open: () => Group): Group {
    const group = (this.#groups.get(drafts) as Group | undefined) ?? open()
    this.#groups.set(drafts, group)
    return group
  }

  /** Queues all that sessions have put off. */
  run(): void {
    for (const group of this.#groups.values()) group.run()
  }

  /** What groups say of theirs. */
  growth(tokens?: number): number {
    return [...this.#groups.values()].reduce((sum, group) => sum + (group.growth?.(tokens) ?? 0), 0)
  }

  /** Frees what groups hold, once their sessions are disposed of. It is as usable as a new one. */
  dispose(): void {
    for (const group of this.#groups.values()) group.dispose()
    this.#groups.clear()
  }
}
