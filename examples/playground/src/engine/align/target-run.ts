import { OutriderError } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'
import { FullStorage } from './full-storage'
import { alone } from './lock'
import type { WhenFull } from './patient-directory'
import { deleteRun } from './store'
import { type DraftState, TrainedDraft } from './trained-draft'

/** A target, and the name under which its run is kept. */
export interface TargetPlace {
  target: PretrainedModel
  /** Of the run, in the browser's storage. */
  name: string
}

/** What of a run is shown whatever it does. */
export interface TargetRunState {
  phase: string
  /** What is written goes to memory only, as the storage is full. */
  unsaved: boolean
  /** The draft as it is now. */
  draft: DraftState | undefined
}

/**
 * A draft that is trained for the session's target: one run for each target, kept in the browser's storage, and one at work at a
 * time. How it is trained, and what is shown of it, is its heirs'.
 */
export abstract class TargetRun<State extends TargetRunState, Place extends TargetPlace> {
  protected readonly session: Session
  protected readonly draft: TrainedDraft
  protected readonly full = new FullStorage((asked) => {
    if (asked) this.enter('full')
    else if (this.shown.phase === 'full') this.enter('running')
  })
  protected shown: State
  protected place: Place | undefined
  protected work: { controller: AbortController; ended: Promise<void> } | undefined
  /** Changes of target are followed one after the other. */
  protected following: Promise<void> = Promise.resolve()
  readonly #onChange: () => void

  /**
   * @param nothing   what is shown of a place without a run
   * @param onChange  called whenever the state is another
   */
  constructor(session: Session, nothing: State, onChange: () => void) {
    this.session = session
    this.draft = new TrainedDraft(session)
    this.shown = nothing
    this.#onChange = onChange
    session.subscribe(() => {
      this.changed()
      this.follow()
    })
  }

  get state(): State {
    return { ...this.shown, draft: this.place && this.draft.stateBeside(this.place.target) }
  }

  /** Stops as soon as what is at hand is whole; resolves when all is stored. */
  async pause(): Promise<void> {
    if (!this.work) return
    this.enter('pausing')
    const { ended } = this.work
    this.stop()
    await ended
  }

  /** Deletes the run, and the draft with it. */
  async discard(): Promise<void> {
    await this.pause()
    await this.emptied()
    this.draft.set(undefined)
    this.changed()
  }

  /** What to do about the full storage that a run waits for. */
  answerFull(what: WhenFull): void {
    if (what === 'memory') this.change({ unsaved: true } as Partial<State>)
    this.full.answer(what)
  }

  /** Lets the draft draft in Chat, or no longer. */
  useInChat(use: boolean): void {
    this.draft.isOffered = use
    if (use) this.offer()
    else this.draft.withdraw()
  }

  /** Puts the draft into Chat, by a name that says how far it is. */
  protected abstract offer(): void

  /** Goes from the target before to the session's; called after every change of the session. */
  protected abstract follow(): void

  /** A place again, for the same target, where nothing is stored; and the state of that. */
  protected abstract fresh(place: Place): { place: Place; state: State }

  /** The place, with nothing in it. */
  protected async emptied(): Promise<Place> {
    const before = this.idle()
    await alone(before.name, () => deleteRun(before.name))
    const { place, state } = this.fresh(before)
    this.place = place
    this.shown = state
    return place
  }

  /** Ends the work at hand, and the wait for room with it. */
  protected stop(): void {
    this.work?.controller.abort()
    this.full.cancel()
  }

  /** @throws OutriderError INVALID_ARGUMENT while a draft is being trained, or without a target */
  protected idle(): Place {
    if (this.work)
      throw new OutriderError('INVALID_ARGUMENT', 'A draft is being trained already.', { remedy: 'Pause it first.' })
    this.session.requireTarget()
    return this.place!
  }

  /** @throws OutriderError INVALID_ARGUMENT before there is one */
  protected trained(): { model: PretrainedModel; place: Place } {
    const { model } = this.draft
    if (model && this.place) return { model, place: this.place }
    throw new OutriderError('INVALID_ARGUMENT', 'There is no draft yet.', { remedy: 'Train one first.' })
  }

  protected change(changes: Partial<State>): void {
    this.shown = { ...this.shown, ...changes }
    this.changed()
  }

  protected changed(): void {
    this.#onChange()
  }

  /** Phases that all runs have. */
  protected enter(phase: 'running' | 'pausing' | 'full'): void {
    this.change({ phase } as Partial<State>)
  }
}
