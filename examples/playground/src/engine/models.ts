import {
  compareVocabularies,
  type Directory,
  fileListDirectory,
  type LoadDtype,
  type LoadProgress,
  loadCausalLM,
  type PretrainedModel,
} from '@outrider/transformer'
import { bundledDraft, bundledTarget } from './bundled'
import type { Session } from './session'

/** Where a model comes from. */
export type ModelSource =
  | { kind: 'bundled' }
  /** A model of the Hugging Face Hub: `org/name`, `org/name@revision` or `org/name/file.gguf`. */
  | { kind: 'hub'; id: string }
  /** A directory's files, or one GGUF file. */
  | { kind: 'files'; name: string; files: File[] }

export interface OpenOptions {
  /** How the matrices lie on the device; as they are stored where left out. */
  dtype?: LoadDtype | undefined
}

export type OnProgress = (progress: LoadProgress) => void

/** Opens models, on the session's device. */
export function modelsRoom(session: Session, chat: { stop(): Promise<void> }) {
  async function load(
    source: ModelSource,
    bundled: () => Promise<Directory>,
    { dtype }: OpenOptions = {},
    onProgress?: OnProgress,
  ): Promise<PretrainedModel> {
    const device = session.requireDevice()
    const gguf = source.kind === 'files' && source.files.length === 1 ? source.files[0]!.name : undefined
    // A file that was chosen by itself is in no folder that has a name.
    const place =
      source.kind === 'hub'
        ? source.id
        : source.kind === 'files'
          ? fileListDirectory(source.files, gguf ? '.' : source.name)
          : await bundled()
    const name = gguf ?? (typeof place === 'string' ? place : place.name)
    return session.ledger.stage(`open ${name}`, device, () =>
      loadCausalLM(place, { device, dtype, file: gguf, ...(onProgress ? { onProgress } : {}) }),
    )
  }
  return {
    /** Opens the model to talk to; a draft for the one before is put away. */
    async openTarget(source: ModelSource, options?: OpenOptions, onProgress?: OnProgress): Promise<void> {
      const target = await load(source, bundledTarget, options, onProgress)
      await chat.stop()
      session.setTarget(target)
    },

    /**
     * Opens a draft for the target.
     *
     * @throws OutriderError VOCABULARY_MISMATCH for a model of other tokens
     */
    async openDraft(source: ModelSource, options?: OpenOptions, onProgress?: OnProgress): Promise<void> {
      const target = session.requireTarget()
      const model = await load(source, bundledDraft, options, onProgress)
      try {
        compareVocabularies(target, model)
      } catch (error) {
        model.dispose()
        throw error
      }
      session.setDraft({ name: model.source, origin: source.kind === 'bundled' ? 'bundled' : 'opened', model })
    },

    /** Prompt lookup drafts again. */
    closeDraft: (): void => session.setDraft(undefined),
  }
}
