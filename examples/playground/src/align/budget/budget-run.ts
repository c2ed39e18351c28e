import { signal } from '@preact/signals'
import { proxy } from 'comlink'
import { engine } from '../../app/engine'
import { attempt, hint } from '../../app/notices'
import { saveFile } from '../../app/save-file'
import type { BudgetState, BudgetWish, DraftFormat, WhenFull } from '../../engine/index'
import { begun } from '../alignment'

/** The run by a time budget, kept up to date by the engine. */
export const budgetRun = signal<BudgetState | undefined>(undefined)

let watching = false

/** Begins to follow it. */
export function watchBudgetRun(): void {
  if (watching) return
  watching = true
  void attempt(() =>
    engine.budget.watch(
      proxy((state: BudgetState) => {
        budgetRun.value = state
      }),
    ),
  )
}

/** Begins a run. What it stores the browser is asked not to clear away. */
export async function start(wish: BudgetWish): Promise<void> {
  void navigator.storage?.persist?.().catch(() => false)
  begun.value = true
  await attempt(() => engine.budget.start(wish))
}

export const resume = () => attempt(() => engine.budget.resume())
export const trainAnyway = () => attempt(() => engine.budget.resume({ anyway: true }))
export const pause = () => attempt(() => engine.budget.pause())
export const discard = () => attempt(() => engine.budget.discard())
export const answerFull = (what: WhenFull) => attempt(() => engine.budget.answerFull(what))
export const useInChat = (use: boolean) => attempt(() => engine.budget.useInChat(use))

/** Saves the draft as a file. */
export async function download(format: DraftFormat): Promise<void> {
  const file = await attempt(() => engine.budget.download(format))
  if (file) saveFile(file)
}

/** Saves the draft's folder where the user picks. */
export async function saveInto(): Promise<void> {
  // The user who picks none wants none.
  const picked = await showDirectoryPicker({ mode: 'readwrite' }).catch(() => undefined)
  if (!picked) return
  const name = await attempt(() => engine.budget.saveInto(picked))
  if (name !== undefined) hint('The draft is saved', `It is in ${picked.name}/${name}.`)
}

/** Not in TypeScript's library: Chrome and Edge have it. */
declare global {
  function showDirectoryPicker(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>
}
