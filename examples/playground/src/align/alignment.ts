import { signal } from '@preact/signals'
import { proxy } from 'comlink'
import { engine } from '../app/engine'
import { attempt } from '../app/notices'
import { saveFile } from '../app/save-file'
import type { AlignPlan, AlignState, DraftFormat, LossChoice, OwnData, WhenFull } from '../engine/index'

/** The alignment, kept up to date by the engine. */
export const alignment = signal<AlignState | undefined>(undefined)

/** Whether the user has begun a run that is not shown yet. */
export const begun = signal(false)

let watching = false

/** Begins to follow the alignment. */
export function watchAlignment(): void {
  if (watching) return
  watching = true
  void attempt(() =>
    engine.align.watch(
      proxy((state: AlignState) => {
        alignment.value = state
      }),
    ),
  )
}

/** Begins a run. What it stores the browser is asked not to clear away. */
export async function start(plan: AlignPlan, own: OwnData | undefined): Promise<void> {
  void navigator.storage?.persist?.().catch(() => false)
  begun.value = true
  await attempt(() => engine.align.start(plan, own))
}

export const resume = () => attempt(() => engine.align.resume())
export const pause = () => attempt(() => engine.align.pause())
export const discard = () => attempt(() => engine.align.discard())
export const answerFull = (what: WhenFull) => attempt(() => engine.align.answerFull(what))
export const useInChat = (use: boolean) => attempt(() => engine.align.useInChat(use))
export const distilAgain = (loss: LossChoice, steps: number) => attempt(() => engine.align.distilAgain(loss, steps))
export const draftInBlocks = () => attempt(() => engine.align.draftInBlocks())

/** Saves the draft as a file. */
export async function download(format: DraftFormat): Promise<void> {
  const file = await attempt(() => engine.align.download(format))
  if (file) saveFile(file)
}
