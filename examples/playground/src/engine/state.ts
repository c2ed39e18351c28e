import { parameterCount } from '@outrider/transformer'
import type { Failure } from './failure'
import type { CurrentDraft, Session } from './session'

/** What the page knows of the engine, as plain data. */
export interface EngineState {
  device: { adapter: string; isSoftware: boolean } | undefined
  /** Why there is no device any more. */
  lost: Failure | undefined
  target: (ModelState & { isBundled: boolean }) | undefined
  /** The model that drafts; without one, prompt lookup does. */
  draft: (ModelState & Pick<CurrentDraft, 'origin'>) | undefined
}

export interface ModelState {
  name: string
  parameters: number
  vocabularySize: number
  contextLength: number
  canChat: boolean
  /** Of a draft: it proposes a block in one pass. */
  isParallel: boolean
}

export function stateOf({ device, lost, target, origin, draft }: Session): EngineState {
  return {
    device: device && { adapter: device.adapterName, isSoftware: device.isSoftware },
    lost,
    target: target && { ...modelState(target.source, target), isBundled: origin?.kind === 'bundled' },
    draft: draft && { ...modelState(draft.name, draft.model), origin: draft.origin },
  }
}

function modelState(name: string, { config, chatTemplate }: NonNullable<Session['target']>): ModelState {
  const { vocabularySize, contextLength, maskTokenId } = config
  return {
    name: name.replace(/^\.\//, ''),
    parameters: parameterCount(config),
    vocabularySize,
    contextLength,
    canChat: chatTemplate !== undefined,
    isParallel: maskTokenId !== undefined,
  }
}
