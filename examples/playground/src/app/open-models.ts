import { signal } from '@preact/signals'
import { proxy } from 'comlink'
import type { ModelSource, Opened, OpenOptions, OpenProgress } from '../engine/index'
import { engine } from './engine'
import { refreshKept } from './kept'
import { attempt, hint } from './notices'

/** A model that is being opened. */
export interface Opening {
  name: string
  /** Undefined until something came. */
  progress: OpenProgress | undefined
}

export const opening = signal<Opening | undefined>(undefined)

/** Whether what was opened has not been compiled yet, as far as a first answer needs it. */
export const compiling = signal(false)

/** What was opened last, to open it again on another device. */
type Choice = [source: ModelSource, options: OpenOptions | undefined]
const last: { target: Choice; draft: Choice | undefined } = {
  target: [{ kind: 'bundled' }, undefined],
  draft: [{ kind: 'bundled' }, undefined],
}

/** Opens the model to talk to. The bundled one has its draft with it. Gives whether it worked. */
export async function openTarget(source: ModelSource, options?: OpenOptions): Promise<boolean> {
  const done = await withProgress(source, (onProgress) => engine.models.openTarget(source, options, onProgress))
  if (!done) return false
  last.target = [source, options]
  last.draft = undefined
  if (source.kind === 'bundled') return openDraft(source)
  void prepare()
  return true
}

/** Opens a draft for it. Gives whether it worked. */
export async function openDraft(source: ModelSource, options?: OpenOptions): Promise<boolean> {
  const done = await withProgress(source, (onProgress) => engine.models.openDraft(source, options, onProgress))
  if (!done) return false
  last.draft = [source, options]
  void prepare()
  return true
}

/** Lets prompt lookup draft. */
export async function closeDraft(): Promise<void> {
  await engine.models.closeDraft()
  last.draft = undefined
  void prepare()
}

/** Compiles ahead of the first answer; one that comes before that compiles itself. */
async function prepare(): Promise<void> {
  compiling.value = true
  if (await attempt(() => engine.chat.prepare())) compiling.value = false
}

export async function openBundled(): Promise<void> {
  await openTarget({ kind: 'bundled' })
}

/** Opens what was open when the device was lost. */
export async function reopen(): Promise<void> {
  const { target, draft } = { ...last }
  if (!(await openTarget(...target))) return
  if (draft && target[0].kind !== 'bundled') await openDraft(...draft)
}

async function withProgress(
  source: ModelSource,
  open: (onProgress: (progress: OpenProgress) => void) => Promise<Opened>,
): Promise<boolean> {
  const name = source.kind === 'far' ? source.id : source.kind === 'files' ? source.name : 'the bundled model'
  opening.value = { name, progress: undefined }
  const opened = await attempt(() =>
    open(
      proxy((progress) => {
        if (opening.value) opening.value = { name, progress }
      }),
    ),
  )
  opening.value = undefined
  if (source.kind === 'far') void refreshKept()
  if (opened?.notKept) hint('The weights are not kept', opened.notKept.message, 'The next visit fetches them again.')
  return opened !== undefined
}
