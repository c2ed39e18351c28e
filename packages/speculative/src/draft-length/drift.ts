/** How much of the last observation is taken over. */
const rate = 0.1

/**
 * Observed over predicted seconds: of plain blocks, and by source and rows, since long contexts make more rows dearer than they
 * were measured. Classes of rows end at powers of two, as the kernels' do. What was not observed is as fewer rows of the source
 * were, or else as plain blocks.
 */
export class Drift {
  readonly #ratios = new Map<string, number>()

  of(drafted: number, source = ''): number {
    return this.observed(drafted, source) ?? this.#ratios.get(plain) ?? 1
  }

  /** Of a source's drafts of so many tokens, or of fewer; undefined where none was observed. */
  observed(drafted: number, source: string): number | undefined {
    for (let rows = classOf(drafted); rows > 0; rows--) {
      const ratio = this.#ratios.get(`${rows} ${source}`)
      if (ratio !== undefined) return ratio
    }
    return undefined
  }

  observe(ratio: number, drafted: number, source = ''): void {
    const before = this.of(drafted, source)
    const bounded = Math.min(Math.max(ratio, 0.25), 4)
    this.#ratios.set(drafted === 0 ? plain : `${classOf(drafted)} ${source}`, before + (bounded - before) * rate)
  }
}

const plain = 'plain'

/** 1 for two rows, 2 for three and four, 3 for five to eight, 4 for nine to sixteen. */
const classOf = (drafted: number) => Math.ceil(Math.log2(drafted + 1))
