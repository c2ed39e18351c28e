import {
  type Draft,
  type Drafter,
  type DraftRequest,
  type DraftSession,
  type DrawnDraft,
  type Offer,
  offersOf,
  type SessionOptions,
} from './drafter'

/**
 * Several drafters as one: each block is drafted by the first that has something to say, or with `draftLength: 'auto'` by the one
 * that is likely to be fastest. What the others drafted a model reads once it is asked again.
 */
export function firstOf(...drafters: Drafter[]): Drafter {
  return {
    name: drafters.map(({ name }) => name).join(', else '),
    parameterCount: Math.max(0, ...drafters.map(({ parameterCount }) => parameterCount)),
    models: drafters.flatMap(({ models = [] }) => models),
    open: (options) => new FirstOfSession(drafters, options),
  }
}

class FirstOfSession implements DraftSession {
  readonly #members: { drafter: Drafter; session: DraftSession }[] = []
  /** Whose each offer is, of those that were made last. */
  #offered = new Map<Offer, DraftSession>()
  /** Who drafted last: what it proposed of that says nothing to the others. */
  #drafted: DraftSession | undefined

  constructor(drafters: readonly Drafter[], options: SessionOptions) {
    try {
      for (const drafter of drafters) this.#members.push({ drafter, session: drafter.open(options) })
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  offers(tokens: readonly number[], limit: number): Offer[] {
    this.#offered = new Map()
    for (const { drafter, session } of this.#members)
      for (const offer of offersOf(drafter, session, { tokens, limit })) this.#offered.set(offer, session)
    return [...this.#offered.keys()]
  }

  read(tokens: readonly number[], place: number): void {
    for (const { session } of this.#members) session.read?.(tokens, place)
  }

  draft(request: DraftRequest): Draft | null {
    const offering = request.offer && this.#offered.get(request.offer)
    const asked = offering ? [offering] : this.#members.map(({ session }) => session)
    for (const session of asked) {
      const draft = session.draft(request)
      this.#drafted = draft ? session : undefined
      if (draft) return draft
    }
    return null
  }

  draftConstrained(request: DraftRequest): Promise<DrawnDraft | null> | undefined {
    const session = request.offer && this.#offered.get(request.offer)
    const drafting = session?.draftConstrained?.(request)
    if (drafting) this.#drafted = session
    return drafting
  }

  keep(length: number, proposed?: number): void {
    for (const { session } of this.#members) session.keep(length, session === this.#drafted ? proposed : undefined)
  }

  trim(): void {
    for (const { session } of this.#members) session.trim?.()
  }

  dispose(): void {
    for (const { session } of this.#members) session.dispose()
  }
}
