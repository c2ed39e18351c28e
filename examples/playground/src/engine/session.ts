import { type Device, OutriderError } from '@outrider/tensor'
import type { Directory, PretrainedModel } from '@outrider/transformer'
import type { Failure } from './failure'
import { Ledger } from './ledger'

/** Who proposes tokens, when it is a model. */
export interface CurrentDraft {
  /** For people to read: "aligned with TVD++, step 120". */
  name: string
  /** Shipped with the site, opened by the user, or trained in this tab. */
  origin: 'bundled' | 'opened' | 'trained'
  model: PretrainedModel
}

/** Where a target is from: with the site, or the user's directory, and the GGUF file in it where it is one. */
export type TargetOrigin = { kind: 'bundled' } | { kind: 'opened'; place: Directory; file: string | undefined }

/**
 * What the rooms of the engine share: the device, the target on it, and the draft. Whoever sets a model hands it over; the
 * one that was there before is disposed of here when nobody uses it any more, except a trained draft, which is its trainer's
 * to retire.
 */
export class Session {
  readonly ledger = new Ledger()
  #device: Device | undefined
  #target: PretrainedModel | undefined
  #origin: TargetOrigin | undefined
  #draft: CurrentDraft | undefined
  #isTraining = false
  #lost: Failure | undefined
  /** Ends with all work that may be using a model. */
  #held: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<() => void>()

  get device(): Device | undefined {
    return this.#device
  }

  get target(): PretrainedModel | undefined {
    return this.#target
  }

  /** Where the target is from. */
  get origin(): TargetOrigin | undefined {
    return this.#origin
  }

  /** Without one, prompt lookup drafts. Chat looks here before each block, so a draft may come and go in mid-sentence. */
  get draft(): CurrentDraft | undefined {
    return this.#draft
  }

  /** @throws OutriderError DEVICE_LOST while there is none */
  requireDevice(): Device {
    if (this.#device) return this.#device
    throw new OutriderError('DEVICE_LOST', 'There is no GPU device at present.', { remedy: 'Start the engine again.' })
  }

  /** @throws OutriderError INVALID_ARGUMENT before a model is opened */
  requireTarget(): PretrainedModel {
    if (this.#target) return this.#target
    throw new OutriderError('INVALID_ARGUMENT', 'No model is open.', { remedy: 'Open one first.' })
  }

  /** Why there is no device any more, if it was lost. */
  get lost(): Failure | undefined {
    return this.#lost
  }

  /** Models lie on a device: with another device, or none, there are none. */
  setDevice(device: Device | undefined, lost?: Failure): void {
    this.#target = undefined
    this.#draft = undefined
    this.#device = device
    this.#lost = lost
    this.changed()
  }

  /** A draft speaks one target's tokens: with another target there is none. */
  setTarget(target: PretrainedModel, origin: TargetOrigin): void {
    const before = this.#target
    this.setDraft(undefined)
    this.#target = target
    this.#origin = origin
    if (before) this.retire(before)
    this.changed()
  }

  setDraft(draft: CurrentDraft | undefined): void {
    const before = this.#draft
    this.#draft = draft
    if (before && before.origin !== 'trained' && before.model !== draft?.model) this.retire(before.model)
    this.changed()
  }

  get isTraining(): boolean {
    return this.#isTraining
  }

  /**
   * Notes that a draft is being trained: one at a time. Gives what ends it.
   *
   * @throws OutriderError INVALID_ARGUMENT while another is
   */
  beginTraining(): () => void {
    if (this.#isTraining)
      throw new OutriderError('INVALID_ARGUMENT', 'A draft is being trained already.', { remedy: 'Pause it first.' })
    this.#isTraining = true
    return () => {
      this.#isTraining = false
    }
  }

  /** Notes work on the models of the session: one that is replaced is kept until the work has ended. */
  hold(work: Promise<unknown>): void {
    this.#held = Promise.allSettled([this.#held, work])
  }

  /** Disposes of a model as soon as nobody can be using it. */
  retire(model: PretrainedModel): void {
    void this.#held.then(() => model.dispose())
  }

  /** Calls back after every change; gives what ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
