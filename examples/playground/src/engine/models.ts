import {
  compareVocabularies,
  type Directory,
  fileListDirectory,
  type LoadDtype,
  loadCausalLM,
  type PretrainedModel,
} from '@outrider/transformer'
import { bundledDraft, bundledTarget } from './bundled'
import { type Failure, failureOf } from './failure'
import { type FarReport, farModel } from './far-models'
import type { Session, TargetOrigin } from './session'

/** Where a model comes from. */
export type ModelSource =
  | { kind: 'bundled' }
  /** A model of the Hugging Face Hub (`org/name`, `org/name@revision` or `org/name/file.gguf`) or of another address. */
  | { kind: 'far'; id: string }
  /** A directory's files, or one GGUF file. */
  | { kind: 'files'; name: string; files: File[] }

export interface OpenOptions {
  /** How the matrices lie on the device; as they are stored where left out. */
  dtype?: LoadDtype | undefined
}

/** How far a model is: fetched into the browser's storage, and then loaded onto the device. */
export interface OpenProgress {
  stage: 'fetch' | 'load'
  doneBytes: number
  totalBytes: number
}

export type OnProgress = (progress: OpenProgress) => void

/** What is to be said of a model that was opened. */
export interface Opened {
  /** Why its weights are not in the browser's storage, where they should be. */
  notKept: Failure | undefined
}

/** Opens models, on the session's device. */
export function modelsRoom(session: Session, chat: { stop(): Promise<void> }) {
  async function load(
    source: ModelSource,
    bundled: () => Promise<Directory>,
    { dtype }: OpenOptions = {},
    onProgress?: OnProgress,
  ): Promise<Opened & { model: PretrainedModel; origin: TargetOrigin }> {
    const device = session.requireDevice()
    let notKept: Failure | undefined
    const { place, file } = await placeOf(source, bundled, {
      onFetch: ({ keptBytes, totalBytes }) => onProgress?.({ stage: 'fetch', doneBytes: keptBytes, totalBytes }),
      onNotKept: (error) => {
        notKept = failureOf(error)
      },
    })
    const model = await session.ledger.stage(`open ${file ?? place.name}`, device, () =>
      loadCausalLM(place, {
        device,
        dtype,
        file,
        onProgress: ({ loadedBytes, totalBytes }) =>
          onProgress?.({ stage: 'load', doneBytes: loadedBytes, totalBytes }),
      }),
    )
    const origin: TargetOrigin = source.kind === 'bundled' ? { kind: 'bundled' } : { kind: 'opened', place, file }
    return { model, origin, notKept }
  }
  return {
    /** Opens the model to talk to; a draft for the one before is put away. */
    async openTarget(source: ModelSource, options?: OpenOptions, onProgress?: OnProgress): Promise<Opened> {
      const { model, origin, notKept } = await load(source, bundledTarget, options, onProgress)
      await chat.stop()
      session.setTarget(model, origin)
      return { notKept }
    },

    /**
     * Opens a draft for the target.
     *
     * @throws OutriderError VOCABULARY_MISMATCH for a model of other tokens
     */
    async openDraft(source: ModelSource, options?: OpenOptions, onProgress?: OnProgress): Promise<Opened> {
      const target = session.requireTarget()
      const { model, notKept } = await load(source, bundledDraft, options, onProgress)
      try {
        compareVocabularies(target, model)
      } catch (error) {
        model.dispose()
        throw error
      }
      session.setDraft({ name: model.source, origin: source.kind === 'bundled' ? 'bundled' : 'opened', model })
      return { notKept }
    },

    /** Prompt lookup drafts again. */
    closeDraft: (): void => session.setDraft(undefined),
  }
}

async function placeOf(
  source: ModelSource,
  bundled: () => Promise<Directory>,
  report: FarReport,
): Promise<{ place: Directory; file: string | undefined }> {
  if (source.kind === 'far') return farModel(source.id, report)
  if (source.kind === 'bundled') return { place: await bundled(), file: undefined }
  const file = source.files.length === 1 ? source.files[0]!.name : undefined
  // A file that was chosen by itself is in no folder that has a name.
  return { place: fileListDirectory(source.files, file === undefined ? source.name : '.'), file }
}
