import { type DistillationLoss, lossByName } from '@outrider/losses'
import { rowLossFromText } from '@outrider/losses/typed'
import { OutriderError } from '@outrider/tensor'
import { type Directory, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { failureOf } from '../failure'
import type { Session } from '../session'
import { alignSources, keepOwnData } from './data'
import { type Download, type DraftFormat, draftFile, draftName } from './draft-files'
import { freshDraft } from './fresh-draft'
import { FullStorage } from './full-storage'
import { alone } from './lock'
import { patientDirectory, type WhenFull } from './patient-directory'
import type { AlignPlan, LossChoice, OwnData } from './plan'
import { runAlignment } from './run'
import { type AlignState, noAlignment, storedState } from './state'
import { deleteRun, openRun, runName, storedPlan, storedProgress, storePlan } from './store'
import { TrainedDraft } from './trained-draft'

/** A target with what there is of its run. */
interface Place {
  target: PretrainedModel
  /** Of the run, in the browser's storage. */
  name: string
  /** What is stored of it, and what did not fit. */
  folder: Directory
}

/** Trains a draft for the session's target: one run for each target, kept in the browser's storage. */
export class Alignment {
  readonly #session: Session
  readonly #onChange: () => void
  readonly #full = new FullStorage((asked) => {
    if (asked) this.#change({ phase: 'full' })
    else if (this.#state.phase === 'full') this.#change({ phase: 'running' })
  })
  #state = noAlignment()
  #place: Place | undefined
  readonly #draft: TrainedDraft
  #work: { controller: AbortController; ended: Promise<void> } | undefined
  /** Changes of target are followed one after the other. */
  #following: Promise<void> = Promise.resolve()

  /** @param onChange  called whenever the state is another */
  constructor(session: Session, onChange: () => void) {
    this.#session = session
    this.#draft = new TrainedDraft(session)
    this.#onChange = onChange
    session.subscribe(() => this.#follow())
  }

  get state(): AlignState {
    return { ...this.#state, draft: this.#place && this.#draft.stateBeside(this.#place.target) }
  }

  /**
   * Begins a new run; what was stored of another is deleted.
   *
   * @throws OutriderError INVALID_ARGUMENT, KERNEL for a typed loss with its place; FILE_WRITE
   */
  async start(plan: AlignPlan, own?: OwnData): Promise<void> {
    this.#idle()
    await this.#lossOf(plan.distillation.loss)
    const { folder } = await this.#emptied()
    if (plan.data === 'own' && own) await keepOwnData(folder, own)
    const { counts } = await alignSources(plan, folder)
    await this.#go({ ...plan, generation: { ...plan.generation, ...counts } }, true)
  }

  /** Goes on with the run that is stored. */
  async resume(): Promise<void> {
    this.#idle()
    if (this.#state.plan) await this.#go(this.#state.plan)
  }

  /**
   * Distils the pretrained draft again, with another loss or for as many steps as are wanted.
   *
   * @throws as `start`
   */
  async distilAgain(loss: LossChoice, steps: number): Promise<void> {
    const { name } = this.#idle()
    const { plan } = this.#state
    if (!plan) return
    await this.#lossOf(loss)
    const { attempt } = plan.distillation
    await this.#go({ ...plan, distillation: { loss, steps, attempt: attempt + 1 } }, true)
    await deleteRun(name, `distil-${attempt}`)
  }

  /** Stops after the step at hand; resolves when all is stored. */
  async pause(): Promise<void> {
    if (!this.#work) return
    this.#change({ phase: 'pausing' })
    const { controller, ended } = this.#work
    controller.abort()
    this.#full.cancel()
    await ended
  }

  /** Deletes the run, and the draft with it. */
  async discard(): Promise<void> {
    await this.pause()
    await this.#emptied()
    this.#draft.set(undefined)
    this.#state = noAlignment()
    this.#onChange()
  }

  /** What to do about the full storage that a run waits for. */
  answerFull(what: WhenFull): void {
    if (what === 'memory') this.#change({ unsaved: true })
    this.#full.answer(what)
  }

  /** Lets the draft draft in Chat, or no longer. */
  useInChat(use: boolean): void {
    this.#draft.isOffered = use
    if (use) this.#offer()
    else this.#draft.withdraw()
  }

  /** The draft as it is now, as a file. */
  async download(format: DraftFormat): Promise<Download> {
    const { model } = this.#draft
    if (!model || !this.#place)
      throw new OutriderError('INVALID_ARGUMENT', 'There is no draft yet.', { remedy: 'Train one first.' })
    return draftFile(model, draftName(this.#place.target), format)
  }

  /** Trains until the end, a pause or a failure. Returns when it has begun. */
  async #go(plan: AlignPlan, isNew = false): Promise<void> {
    const place = this.#idle()
    const { target, folder } = place
    const endTraining = this.#session.beginTraining()
    const controller = new AbortController()
    let end: () => void
    this.#work = {
      controller,
      ended: new Promise((resolve) => {
        end = resolve
      }),
    }
    const finish = (changes: Partial<AlignState>) => {
      this.#work = undefined
      endTraining()
      // Of a target that was closed meanwhile, nothing is shown any more.
      if (this.#place === place) this.#change(changes)
      end()
    }
    try {
      this.#change({ phase: 'starting', failure: undefined, leftOut: [] })
      const loss = await this.#lossOf(plan.distillation.loss)
      if (isNew) await storePlan(folder, plan)
      this.#change(storedState(plan, await storedProgress(folder, plan)))
      const draft = freshDraft(plan, target, this.#draft.model)
      this.#draft.set(draft)
      const { signal } = controller
      const run = { plan, target, draft, loss, folder, signal, ledger: this.#session.ledger }
      void alone(place.name, () =>
        runAlignment({
          ...run,
          onStage: (stage) => {
            this.#change({ phase: signal.aborted ? 'pausing' : 'running', stage })
            if (this.#draft.inChat || (stage === 'pretrain' && this.#draft.isOffered)) this.#offer()
          },
          onProgress: (stage, progress) => this.#change({ stages: { ...this.#state.stages, [stage]: progress } }),
          onLeftOut: (message) => this.#change({ leftOut: [...new Set([...this.#state.leftOut, message])] }),
          onEntry: (stage, entry) => this.#state.history[stage].push(entry),
        }),
      ).then(
        () => {
          finish({ phase: 'done' })
          if (this.#draft.inChat) this.#offer()
        },
        async (error) => {
          const failure = signal.aborted ? undefined : failureOf(error)
          // Where the loss was no number, neither are the weights: those of the last checkpoint are.
          if (failure && 'loss' in failure.details) await this.#open(place)
          finish({ phase: 'paused', failure })
        },
      )
    } catch (error) {
      finish({ phase: this.#state.plan ? 'paused' : 'none' })
      throw error
    }
  }

  /** Follows the session from target to target; the run of the one before is stopped. */
  #follow(): void {
    const { target } = this.#session
    const before = this.#place
    this.#onChange()
    if (target === before?.target) return
    const draft = this.#draft.take()
    const work = this.#work
    work?.controller.abort()
    this.#full.cancel()
    this.#place = target && placeOf(target, this.#full)
    this.#state = noAlignment()
    const place = this.#place
    this.#following = this.#following.then(async () => {
      await work?.ended
      if (draft) this.#session.retire(draft)
      if (place) await this.#open(place)
    })
  }

  /** Shows what is stored for a target, and loads the draft of it. */
  async #open(place: Place): Promise<void> {
    try {
      const plan = await storedPlan(place.folder)
      if (!plan || this.#place !== place) return
      const stored = await storedProgress(place.folder, plan)
      const { device } = place.target.model
      const draft = stored.draft && (await loadCausalLM(stored.draft, { device }))
      if (this.#place !== place) return draft?.dispose()
      this.#draft.set(draft)
      const isDone = stored.done.distil === plan.distillation.steps
      this.#change({ ...storedState(plan, stored), phase: isDone ? 'done' : 'paused' })
    } catch (error) {
      if (this.#place === place) this.#change({ failure: failureOf(error) })
    }
  }

  #lossOf(choice: LossChoice): Promise<DistillationLoss> | DistillationLoss {
    return choice.kind === 'built-in'
      ? lossByName(choice.name)
      : rowLossFromText(choice.text, this.#session.requireDevice())
  }

  #offer(): void {
    const { plan, stages } = this.#state
    if (!plan) return
    const { loss } = plan.distillation
    const how =
      stages.distil.done > 0 ? `aligned with ${loss.kind === 'built-in' ? loss.name : 'your loss'}` : 'pretrained'
    this.#draft.offer(`your draft, ${how}`)
  }

  /** The place, with nothing in it. */
  async #emptied(): Promise<Place> {
    const { name, target } = this.#idle()
    await alone(name, () => deleteRun(name))
    this.#place = placeOf(target, this.#full)
    return this.#place
  }

  /** @throws OutriderError INVALID_ARGUMENT while a draft is being trained, or without a target */
  #idle(): Place {
    if (this.#work)
      throw new OutriderError('INVALID_ARGUMENT', 'A draft is being trained already.', { remedy: 'Pause it first.' })
    this.#session.requireTarget()
    return this.#place!
  }

  #change(changes: Partial<AlignState>): void {
    this.#state = { ...this.#state, ...changes }
    this.#onChange()
  }
}

function placeOf(target: PretrainedModel, full: FullStorage): Place {
  const name = runName(target)
  return { target, name, folder: patientDirectory(openRun(name), () => full.ask()) }
}
