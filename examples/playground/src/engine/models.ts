import { compareVocabularies, type LoadProgress, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { bundledTarget } from './bundled'
import type { Session } from './session'

/** Where a model comes from. */
export type ModelSource = { kind: 'bundled' } | { kind: 'hub'; id: string }

export type OnProgress = (progress: LoadProgress) => void

/** Opens models, on the session's device. */
export function modelsRoom(session: Session) {
  async function load(source: ModelSource, onProgress?: OnProgress): Promise<PretrainedModel> {
    const device = session.requireDevice()
    const place = source.kind === 'bundled' ? await bundledTarget() : source.id
    return session.ledger.stage(`open ${typeof place === 'string' ? place : place.name}`, device, () =>
      loadCausalLM(place, { device, ...(onProgress ? { onProgress } : {}) }),
    )
  }
  return {
    /** Opens the model to talk to; a draft of the one before is put away. */
    async openTarget(source: ModelSource, onProgress?: OnProgress): Promise<void> {
      session.setTarget(await load(source, onProgress))
    },

    /** Opens a draft for the target. */
    async openDraft(source: ModelSource, onProgress?: OnProgress): Promise<void> {
      const target = session.requireTarget()
      const model = await load(source, onProgress)
      try {
        compareVocabularies(target, model)
      } catch (error) {
        model.dispose()
        throw error
      }
      session.setDraft({ name: model.source, origin: 'opened', model })
    },

    /** Prompt lookup drafts again. */
    closeDraft: (): void => session.setDraft(undefined),
  }
}
