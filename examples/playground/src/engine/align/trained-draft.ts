import { type PretrainedModel, parameterCount } from '@outrider/transformer'
import type { Session } from '../session'

/** The draft as the page shows it. */
export interface DraftState {
  parameters: number
  /** As a share of the target's. */
  ofTarget: number
  inChat: boolean
}

/** A draft that is trained in this tab, and whether it drafts in Chat. */
export class TrainedDraft {
  readonly #session: Session
  #model: PretrainedModel | undefined
  /** Whether it goes into Chat when it begins to be of use. */
  isOffered = true

  constructor(session: Session) {
    this.#session = session
  }

  get model(): PretrainedModel | undefined {
    return this.#model
  }

  get inChat(): boolean {
    return this.#model !== undefined && this.#session.draft?.model === this.#model
  }

  /** This one takes the place of the one before. */
  set(model: PretrainedModel | undefined): void {
    const before = this.#model
    if (before === model) return
    if (this.inChat) this.#session.setDraft(undefined)
    this.#model = model
    if (before) this.#session.retire(before)
  }

  /** Lets it draft in Chat. */
  offer(name: string): void {
    if (this.#model) this.#session.setDraft({ name, origin: 'trained', model: this.#model })
  }

  /** Lets Chat do without it. */
  withdraw(): void {
    if (this.inChat) this.#session.setDraft(undefined)
  }

  /** Gives it to whoever retires it: there is none afterwards. */
  take(): PretrainedModel | undefined {
    const model = this.#model
    this.#model = undefined
    return model
  }

  stateBeside(target: PretrainedModel): DraftState | undefined {
    if (!this.#model) return undefined
    const parameters = parameterCount(this.#model.config)
    return { parameters, ofTarget: parameters / parameterCount(target.config), inChat: this.inChat }
  }
}
