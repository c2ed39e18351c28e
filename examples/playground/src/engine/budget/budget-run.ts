import { AnswerTable } from '@outrider/speculative'
import { type Directory, loadCausalLM, type PretrainedModel, within } from '@outrider/transformer'
import { keepOwnData, keptData } from '../align/data'
import { type Download, type DraftFormat, draftFile, draftName, zipped } from '../align/draft-files'
import type { FullStorage } from '../align/full-storage'
import { alone } from '../align/lock'
import { patientDirectory } from '../align/patient-directory'
import type { OwnData } from '../align/plan'
import { openRun } from '../align/store'
import { type TargetPlace, TargetRun } from '../align/target-run'
import { learnTable } from '../chat/drafter'
import { failureOf } from '../failure'
import type { Session, TargetOrigin } from '../session'
import { copyDraft } from './copy-draft'
import { type BudgetState, noBudgetRun } from './state'

/** A target that was opened, with the directory of its draft. */
interface Place extends TargetPlace {
  origin: Extract<TargetOrigin, { kind: 'opened' }>
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
export class BudgetRun extends TargetRun<BudgetState, Place> {
  /** Written drafts are taken over one after the other. */
  #loading: Promise<void> = Promise.resolve()

  /** @param onChange  called whenever the state is another */
  constructor(session: Session, onChange: () => void) {
    super(session, noBudgetRun(), onChange)
  }

  /**
   * Begins a run; what was stored under the target's name is deleted.
   *
   * @throws OutriderError INVALID_ARGUMENT, FILE_FORMAT for instructions that are none; FILE_WRITE
   */
  async start({ seconds, own }: BudgetWish): Promise<void> {
    const place = await this.emptied()
    const { runFolder } = await aligning()
    if (own) await keepOwnData(within(place.out, runFolder), own, { leastInstructions: 0 })
    await this.#go({ budgetSeconds: seconds })
  }

  /** Goes on with the run that is stored, also where no draft can pay if that is wanted. */
  async resume({ anyway = false }: { anyway?: boolean } = {}): Promise<void> {
    this.idle()
    await this.#go({ evenIfNoneCanPay: anyway || this.shown.canPay === false })
  }

  /** The draft as it was last written: with card, report and the table of answers as a folder. */
  async download(format: DraftFormat): Promise<Download> {
    const { model, place } = this.trained()
    return format === 'directory' ? zipped(place.out, place.name) : draftFile(model, place.name, format)
  }

  /** Writes the draft's folder into one that the user picked. Gives its name. */
  async saveInto(picked: FileSystemDirectoryHandle): Promise<string> {
    const { place } = this.trained()
    await copyDraft(place.out, picked, place.name)
    return place.name
  }

  /** Follows the plan until the end, a pause or a failure. Returns when it has begun. */
  async #go(wish: { budgetSeconds?: number; evenIfNoneCanPay?: boolean }): Promise<void> {
    const place = this.idle()
    const endTraining = this.session.beginTraining()
    const controller = new AbortController()
    const { signal } = controller
    this.change({ phase: 'starting', failure: undefined, warnings: [], note: undefined })
    const work = this.#align(place, signal, wish)
      .then(
        (changes) => changes,
        (error): Partial<BudgetState> => ({
          phase: this.shown.plan ? 'paused' : 'none',
          failure: signal.aborted ? undefined : failureOf(error),
        }),
      )
      .then((changes) => {
        this.work = undefined
        endTraining()
        // Of a target that was closed meanwhile, nothing is shown any more.
        if (this.place === place) this.change({ ...changes, note: undefined })
      })
    this.work = { controller, ended: work }
    // The target is kept until the last of it has ended.
    this.session.hold(work)
  }

  async #align(
    place: Place,
    signal: AbortSignal,
    wish: { budgetSeconds?: number; evenIfNoneCanPay?: boolean },
  ): Promise<Partial<BudgetState>> {
    const { target, out, origin } = place
    const { align, following, foundState, readOrigin, runFolder } = await aligning()
    const { instructions, text } = await keptData(within(out, runFolder))
    const { ledger } = this.session
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
            if (this.place !== place) return
            if (event.kind === 'stage') {
              endStage?.()
              const end = ledger.begin(target.model.device)
              endStage = () => end(`align: ${event.stage}`)
              // The table of answers, a draft that is pretrained, one that is distilled: each drafts as it is written.
              if (event.stage !== 'look' && event.stage !== 'generate') this.#takeWritten(place)
            }
            const phase = signal.aborted ? 'pausing' : this.shown.phase === 'full' ? 'full' : 'running'
            this.change({ ...tell(this.shown, event), phase })
          },
        }),
      )
      const { canPay, results } = aligned
      if (!results.evaluate) return { canPay, phase: 'declined' }
      this.#takeWritten(place)
      return { ...foundState(this.shown, aligned), phase: 'done' }
    } finally {
      endStage?.()
      await this.#loading
    }
  }

  /** Follows the session from target to target; the run of the one before is stopped. */
  protected override follow(): void {
    const { target, origin } = this.session
    const wanted = origin?.kind === 'opened' ? target : undefined
    if (wanted === this.place?.target) return
    const draft = this.draft.take()
    const ended = this.work?.ended
    this.stop()
    const place = wanted && origin?.kind === 'opened' ? placeOf(wanted, origin, this.full) : undefined
    this.place = place
    this.shown = noBudgetRun(place?.name)
    this.following = this.following.then(async () => {
      if (draft) this.session.retire(draft)
      if (place) await this.#open(place, ended)
    })
  }

  /** Shows what is stored under a target's name, once the run before has ended, and loads the draft of it. */
  async #open(place: Place, ended?: Promise<void>): Promise<void> {
    const show = (changes: Partial<BudgetState>) => {
      if (this.place === place) this.change(changes)
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
        ...foundState(this.shown, found),
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
        if (this.place === place) this.change({ failure: failureOf(error) })
      }),
    )
  }

  /** Takes over the table of answers, and the draft that was written last; into Chat, where it is wanted there. */
  async #load({ out, target }: Place): Promise<void> {
    const file = AnswerTable.usualFile
    if (!this.shown.hasTable && (await out.has(file))) {
      learnTable(
        target,
        AnswerTable.fromBytes(await out.read(file), target.tokenizer, { where: `${out.name}/${file}` }),
      )
      if (this.place?.target === target) this.change({ hasTable: true })
    }
    if (this.place?.target !== target || !(await out.has('config.json'))) return
    const isWanted = this.draft.inChat || (this.work !== undefined && this.draft.isOffered)
    const draft = await loadCausalLM(out, { device: target.model.device })
    if (this.place?.target !== target) return draft.dispose()
    this.draft.set(draft)
    if (isWanted) this.offer()
    this.changed()
  }

  protected override offer(): void {
    const isDistilled = this.shown.stages.distill.isDone
    this.draft.offer(`your draft, ${isDistilled ? 'aligned' : 'pretrained'}`)
  }

  protected override fresh({ target, origin }: Place) {
    const place = placeOf(target, origin, this.full)
    return { place, state: noBudgetRun(place.name) }
  }
}

function placeOf(target: PretrainedModel, origin: Place['origin'], full: FullStorage): Place {
  const name = draftName(target)
  const out = patientDirectory({ ...openRun(name), name }, () => full.ask())
  return { target, origin, name, out }
}
