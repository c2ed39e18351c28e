import { AnswerTable } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { type Directory, loadCausalLM, type PretrainedModel, within } from '@outrider/transformer'
import { keepOwnData, keptData } from '../align/data'
import { type Download, type DraftFormat, draftFile, draftName, zipped } from '../align/draft-files'
import { FullStorage } from '../align/full-storage'
import { alone } from '../align/lock'
import { patientDirectory, type WhenFull } from '../align/patient-directory'
import type { OwnData } from '../align/plan'
import { deleteRun, openRun } from '../align/store'
import { TrainedDraft } from '../align/trained-draft'
import { learnTable } from '../chat/drafter'
import { failureOf } from '../failure'
import type { Session, TargetOrigin } from '../session'
import { copyDraft } from './copy-draft'
import { type BudgetState, noBudgetRun } from './state'

/** A target that was opened, with the directory of its draft. */
interface Place {
  target: PretrainedModel
  origin: Extract<TargetOrigin, { kind: 'opened' }>
  /** Of the draft: it is kept under it in the browser's storage. */
  name: string
  out: Directory
}

/** What a run is begun with. */
export interface BudgetWish {
  seconds: number
  own?: OwnData | undefined
}

/** What `align` needs is fetched when it is first needed. */
const aligning = () => import('./aligning')

/** `align` for a target that the user opened: one draft by each target's name, kept in the browser's storage. */
export class BudgetRun {
  readonly #session: Session
  readonly #onChange: () => void
  readonly #draft: TrainedDraft
  readonly #full = new FullStorage((asked) => {
    if (asked) this.#change({ phase: 'full' })
    else if (this.#state.phase === 'full') this.#change({ phase: 'running' })
  })
  #state = noBudgetRun()
  #place: Place | undefined
  #work: { controller: AbortController; ended: Promise<void> } | undefined
  /** Changes of target are followed one after the other, and so is the draft taken over. */
  #following: Promise<void> = Promise.resolve()
  #loading: Promise<void> = Promise.resolve()

  /** @param onChange  called whenever the state is another */
  constructor(session: Session, onChange: () => void) {
    this.#session = session
    this.#draft = new TrainedDraft(session)
    this.#onChange = onChange
    session.subscribe(() => this.#follow())
  }

  get state(): BudgetState {
    return { ...this.#state, draft: this.#place && this.#draft.stateBeside(this.#place.target) }
  }

  /**
   * Begins a run; what was stored under the target's name is deleted.
   *
   * @throws OutriderError INVALID_ARGUMENT, FILE_FORMAT for instructions that are none; FILE_WRITE
   */
  async start({ seconds, own }: BudgetWish): Promise<void> {
    const place = await this.#emptied()
    this.#state = noBudgetRun(place.name)
    const { runFolder } = await aligning()
    if (own) await keepOwnData(within(place.out, runFolder), own, { leastInstructions: 0 })
    await this.#go({ budgetSeconds: seconds })
  }

  /** Goes on with the run that is stored, also where no draft can pay if that is wanted. */
  async resume({ anyway = false }: { anyway?: boolean } = {}): Promise<void> {
    this.#idle()
    await this.#go({ evenIfNoneCanPay: anyway || this.#state.canPay === false })
  }

  /** Stops as soon as what is at hand is whole; resolves when all is stored. */
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
    const { name } = await this.#emptied()
    this.#draft.set(undefined)
    this.#state = noBudgetRun(name)
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

  /** The draft as it was last written: with card, report and the table of answers as a folder. */
  async download(format: DraftFormat): Promise<Download> {
    const { model, place } = this.#written()
    return format === 'directory' ? zipped(place.out, place.name) : draftFile(model, place.name, format)
  }

  /** Writes the draft's folder into one that the user picked. Gives its name. */
  async saveInto(picked: FileSystemDirectoryHandle): Promise<string> {
    const { place } = this.#written()
    await copyDraft(place.out, picked, place.name)
    return place.name
  }

  /** Follows the plan until the end, a pause or a failure. Returns when it has begun. */
  async #go(wish: { budgetSeconds?: number; evenIfNoneCanPay?: boolean }): Promise<void> {
    const place = this.#idle()
    const endTraining = this.#session.beginTraining()
    const controller = new AbortController()
    const { signal } = controller
    this.#change({ phase: 'starting', failure: undefined, warnings: [], note: undefined })
    const work = this.#align(place, signal, wish)
      .then(
        (changes) => changes,
        (error): Partial<BudgetState> => ({
          phase: this.#state.plan ? 'paused' : 'none',
          failure: signal.aborted ? undefined : failureOf(error),
        }),
      )
      .then((changes) => {
        this.#work = undefined
        endTraining()
        // Of a target that was closed meanwhile, nothing is shown any more.
        if (this.#place === place) this.#change({ ...changes, note: undefined })
      })
    this.#work = { controller, ended: work }
    // The target is kept until the last of it has ended.
    this.#session.hold(work)
  }

  async #align(
    place: Place,
    signal: AbortSignal,
    wish: { budgetSeconds?: number; evenIfNoneCanPay?: boolean },
  ): Promise<Partial<BudgetState>> {
    const { target, out, origin } = place
    const { align, following, foundState, readOrigin, runFolder } = await aligning()
    const { instructions, text } = await keptData(within(out, runFolder))
    const { ledger } = this.#session
    const tell = following()
    let endStage: (() => void) | undefined
    try {
      const aligned = await alone(place.name, async () =>
        align({
          target,
          out,
          seeds: instructions,
          text,
          signal,
          // The target's license goes with its draft; what its files do not say is left out.
          card: { origin: await readOrigin(origin.place, origin.file).catch(() => undefined) },
          ...wish,
          onEvent: (event) => {
            if (this.#place !== place) return
            if (event.kind === 'stage') {
              endStage?.()
              const end = ledger.begin(target.model.device)
              endStage = () => end(`align: ${event.stage}`)
              // The table of answers, a draft that is pretrained, one that is distilled: each drafts as it is written.
              if (event.stage !== 'look' && event.stage !== 'generate') this.#takeWritten(place)
            }
            const phase = signal.aborted ? 'pausing' : this.#state.phase === 'full' ? 'full' : 'running'
            this.#change({ ...tell(this.#state, event), phase })
          },
        }),
      )
      const { canPay, results } = aligned
      if (!results.evaluate) return { canPay, phase: 'declined' }
      this.#takeWritten(place)
      return { ...foundState(this.#state, aligned), phase: 'done' }
    } finally {
      endStage?.()
      await this.#loading
    }
  }

  /** Follows the session from target to target; the run of the one before is stopped. */
  #follow(): void {
    const { target, origin } = this.#session
    const before = this.#place
    const wanted = origin?.kind === 'opened' ? target : undefined
    this.#onChange()
    if (wanted === before?.target) return
    const draft = this.#draft.take()
    this.#work?.controller.abort()
    this.#full.cancel()
    const ended = this.#work?.ended
    const place = wanted && origin?.kind === 'opened' ? placeOf(wanted, origin, this.#full) : undefined
    this.#place = place
    this.#state = noBudgetRun(place?.name)
    this.#following = this.#following.then(async () => {
      if (draft) this.#session.retire(draft)
      if (place) await this.#open(place, ended)
    })
  }

  /** Shows what is stored under a target's name, once the run before has ended, and loads the draft of it. */
  async #open(place: Place, ended?: Promise<void>): Promise<void> {
    const show = (changes: Partial<BudgetState>) => {
      if (this.#place === place) this.#change(changes)
    }
    try {
      const { align, foundState, readPlan, runFolder } = await aligning()
      if (!(await readPlan(within(place.out, runFolder)))) return
      await ended
      // Of a run that is there it does nothing but say what it is, or that it is another target's.
      const found = await align({ target: place.target, out: place.out, only: 'look' })
      const { canPay, results } = found
      const isDeclined = !canPay && !results.generate
      show({
        ...foundState(this.#state, found),
        phase: results.evaluate ? 'done' : isDeclined ? 'declined' : 'paused',
      })
      await this.#load(place)
    } catch (error) {
      const failure = failureOf(error)
      show({ phase: failure.code === 'UNSUPPORTED' ? 'none' : 'refused', failure })
    }
  }

  #takeWritten(place: Place): void {
    this.#loading = this.#loading.then(() =>
      this.#load(place).catch((error) => {
        if (this.#place === place) this.#change({ failure: failureOf(error) })
      }),
    )
  }

  /** Takes over the table of answers, and the draft that was written last; into Chat, where it is wanted there. */
  async #load({ out, target }: Place): Promise<void> {
    const file = AnswerTable.usualFile
    if (!this.#state.hasTable && (await out.has(file))) {
      learnTable(
        target,
        AnswerTable.fromBytes(await out.read(file), target.tokenizer, { where: `${out.name}/${file}` }),
      )
      if (this.#place?.target === target) this.#change({ hasTable: true })
    }
    if (this.#place?.target !== target || !(await out.has('config.json'))) return
    const isWanted = this.#draft.inChat || (this.#work !== undefined && this.#draft.isOffered)
    const draft = await loadCausalLM(out, { device: target.model.device })
    if (this.#place?.target !== target) return draft.dispose()
    this.#draft.set(draft)
    if (isWanted) this.#offer()
    this.#onChange()
  }

  #offer(): void {
    const isDistilled = this.#state.stages.distill.isDone
    this.#draft.offer(`your draft, ${isDistilled ? 'aligned' : 'pretrained'}`)
  }

  #written(): { model: PretrainedModel; place: Place } {
    const { model } = this.#draft
    if (model && this.#place) return { model, place: this.#place }
    throw new OutriderError('INVALID_ARGUMENT', 'There is no draft yet.', { remedy: 'Train one first.' })
  }

  /** The place, with nothing in it. */
  async #emptied(): Promise<Place> {
    const { name, target, origin } = this.#idle()
    await alone(name, () => deleteRun(name))
    this.#place = placeOf(target, origin, this.#full)
    return this.#place
  }

  /** @throws OutriderError INVALID_ARGUMENT while a draft is being trained, or without a target that was opened */
  #idle(): Place {
    if (this.#work)
      throw new OutriderError('INVALID_ARGUMENT', 'A draft is being trained already.', { remedy: 'Pause it first.' })
    this.#session.requireTarget()
    return this.#place!
  }

  #change(changes: Partial<BudgetState>): void {
    this.#state = { ...this.#state, ...changes }
    this.#onChange()
  }
}

function placeOf(target: PretrainedModel, origin: Place['origin'], full: FullStorage): Place {
  const name = draftName(target)
  const out = patientDirectory({ ...openRun(name), name }, () => full.ask())
  return { target, origin, name, out }
}
