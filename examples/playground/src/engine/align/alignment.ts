import { type DistillationLoss, lossByName } from '@outrider/losses'
import { rowLossFromText } from '@outrider/losses/typed'
import { type Directory, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { failureOf } from '../failure'
import type { Session } from '../session'
import type { BlocksState } from './blocks'
import { alignSources, keepOwnData } from './data'
import { type Download, type DraftFormat, draftFile, draftName } from './draft-files'
import { freshDraft } from './fresh-draft'
import type { FullStorage } from './full-storage'
import { alone } from './lock'
import { patientDirectory } from './patient-directory'
import type { AlignPlan, LossChoice, OwnData } from './plan'
import { type AlignState, noAlignment, storedState } from './state'
import { deleteRun, openRun, runName, storedPlan, storedProgress, storePlan } from './store'
import { type TargetPlace, TargetRun } from './target-run'

interface Place extends TargetPlace {
  /** What is stored of it, and what did not fit. */
  folder: Directory
}

/** What nobody needs who only chats. */
const training = () => import('./run')
const adaptation = () => import('./blocks')

/** Trains a draft for the session's target: one run for each target, kept in the browser's storage. */
export class Alignment extends TargetRun<AlignState, Place> {
  /** @param onChange  called whenever the state is another */
  constructor(session: Session, onChange: () => void) {
    super(session, noAlignment(), onChange)
  }

  /**
   * Begins a new run; what was stored of another is deleted.
   *
   * @throws OutriderError INVALID_ARGUMENT, KERNEL for a typed loss with its place; FILE_WRITE
   */
  async start(plan: AlignPlan, own?: OwnData): Promise<void> {
    this.idle()
    await this.#lossOf(plan.distillation.loss)
    const { folder } = await this.emptied()
    if (plan.data === 'own' && own) await keepOwnData(folder, own)
    const { counts } = await alignSources(plan, folder)
    await this.#go({ ...plan, generation: { ...plan.generation, ...counts } }, true)
  }

  /** Goes on with the run that is stored. */
  async resume(): Promise<void> {
    this.idle()
    if (this.shown.plan) await this.#go(this.shown.plan)
  }

  /**
   * Distils the pretrained draft again, with another loss or for as many steps as are wanted.
   *
   * @throws as `start`
   */
  async distilAgain(loss: LossChoice, steps: number): Promise<void> {
    const { name } = this.idle()
    const { plan } = this.shown
    if (!plan) return
    await this.#lossOf(loss)
    const { attempt } = plan.distillation
    await this.#go({ ...plan, distillation: { loss, steps, attempt: attempt + 1 } }, true)
    for (const stage of ['distil', 'blocks']) await deleteRun(name, `${stage}-${attempt}`)
  }

  /**
   * Adapts a copy of the draft to propose a block in one pass, and measures both in turns. Stopped and begun again, it goes on.
   * Returns when it has begun.
   *
   * @throws OutriderError INVALID_ARGUMENT before there is a draft, or while one is trained
   */
  async draftInBlocks(): Promise<void> {
    const place = this.idle()
    const { model: draft } = this.trained()
    const { plan } = this.shown
    if (!plan) return
    const loss = await this.#lossOf(plan.distillation.loss)
    const endTraining = this.session.beginTraining()
    const controller = new AbortController()
    const { signal } = controller
    const show = (changes: Partial<AlignState>) => {
      if (this.place === place) this.change(changes)
    }
    const { steps } = plan.distillation
    const waits: BlocksState = { progress: { done: 0, total: steps }, ways: [] }
    show({ phase: 'running', failure: undefined, blocks: waits })
    const { target, folder } = place
    const ended = alone(place.name, async () =>
      (await adaptation()).draftInBlocks({
        ...{ plan, target, draft, loss, folder, signal, ledger: this.session.ledger },
        onState: (blocks) => show({ blocks }),
      }),
    )
      .then(
        () => undefined,
        (error) => (signal.aborted ? undefined : failureOf(error)),
      )
      .then((failure) => {
        this.work = undefined
        endTraining()
        show({ phase: 'done', failure })
      })
    this.work = { controller, ended }
    this.session.hold(ended)
  }

  /** The draft as it is now, as a file. */
  async download(format: DraftFormat): Promise<Download> {
    const { model, place } = this.trained()
    return draftFile(model, draftName(place.target), format)
  }

  /** Trains until the end, a pause or a failure. Returns when it has begun. */
  async #go(plan: AlignPlan, isNew = false): Promise<void> {
    const place = this.idle()
    const { target, folder } = place
    const endTraining = this.session.beginTraining()
    const controller = new AbortController()
    let end: () => void
    this.work = {
      controller,
      ended: new Promise((resolve) => {
        end = resolve
      }),
    }
    const finish = (changes: Partial<AlignState>) => {
      this.work = undefined
      endTraining()
      // Of a target that was closed meanwhile, nothing is shown any more.
      if (this.place === place) this.change(changes)
      end()
    }
    try {
      this.change({ phase: 'starting', failure: undefined, leftOut: [], blocks: undefined })
      const loss = await this.#lossOf(plan.distillation.loss)
      if (isNew) await storePlan(folder, plan)
      this.change(storedState(plan, await storedProgress(folder, plan)))
      const draft = freshDraft(plan, target, this.draft.model)
      this.draft.set(draft)
      const { signal } = controller
      const run = { plan, target, draft, loss, folder, signal, ledger: this.session.ledger }
      void alone(place.name, async () =>
        (await training()).runAlignment({
          ...run,
          onStage: (stage) => {
            this.change({ phase: signal.aborted ? 'pausing' : 'running', stage })
            if (this.draft.inChat || (stage === 'pretrain' && this.draft.isOffered)) this.offer()
          },
          onProgress: (stage, progress) => this.change({ stages: { ...this.shown.stages, [stage]: progress } }),
          onLeftOut: (message) => this.change({ leftOut: [...new Set([...this.shown.leftOut, message])] }),
          onEntry: (stage, entry) => this.shown.history[stage].push(entry),
        }),
      ).then(
        () => {
          finish({ phase: 'done' })
          if (this.draft.inChat) this.offer()
        },
        async (error) => {
          const failure = signal.aborted ? undefined : failureOf(error)
          // Where the loss was no number, neither are the weights: those of the last checkpoint are.
          if (failure && 'loss' in failure.details) await this.#open(place)
          finish({ phase: 'paused', failure })
        },
      )
    } catch (error) {
      finish({ phase: this.shown.plan ? 'paused' : 'none' })
      throw error
    }
  }

  /** Follows the session from target to target; the run of the one before is stopped. */
  protected override follow(): void {
    const { target } = this.session
    if (target === this.place?.target) return
    const draft = this.draft.take()
    const { work } = this
    this.stop()
    this.place = target && placeOf(target, this.full)
    this.shown = noAlignment()
    const place = this.place
    this.following = this.following.then(async () => {
      await work?.ended
      if (draft) this.session.retire(draft)
      if (place) await this.#open(place)
    })
  }

  /** Shows what is stored for a target, and loads the draft of it. */
  async #open(place: Place): Promise<void> {
    try {
      const plan = await storedPlan(place.folder)
      if (!plan || this.place !== place) return
      const stored = await storedProgress(place.folder, plan)
      const { device } = place.target.model
      const draft = stored.draft && (await loadCausalLM(stored.draft, { device }))
      if (this.place !== place) return draft?.dispose()
      this.draft.set(draft)
      const isDone = stored.done.distil === plan.distillation.steps
      this.change({ ...storedState(plan, stored), phase: isDone ? 'done' : 'paused' })
    } catch (error) {
      if (this.place === place) this.change({ failure: failureOf(error) })
    }
  }

  #lossOf(choice: LossChoice): Promise<DistillationLoss> | DistillationLoss {
    return choice.kind === 'built-in'
      ? lossByName(choice.name)
      : rowLossFromText(choice.text, this.session.requireDevice())
  }

  protected override offer(): void {
    const { plan, stages } = this.shown
    if (!plan) return
    const { loss } = plan.distillation
    const how =
      stages.distil.done > 0 ? `aligned with ${loss.kind === 'built-in' ? loss.name : 'your loss'}` : 'pretrained'
    this.draft.offer(`your draft, ${how}`)
  }

  protected override fresh({ target }: Place) {
    return { place: placeOf(target, this.full), state: noAlignment() }
  }
}

function placeOf(target: PretrainedModel, full: FullStorage): Place {
  const name = runName(target)
  return { target, name, folder: patientDirectory(openRun(name), () => full.ask()) }
}
