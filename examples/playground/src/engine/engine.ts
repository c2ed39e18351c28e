import { alignRoom } from './align/index'
import { budgetRoom } from './budget/index'
import { chatRoom } from './chat/index'
import { deviceRoom } from './device'
import { keptRoom } from './far-models'
import { insideRoom } from './inside'
import { modelsRoom } from './models'
import { Session } from './session'
import { type EngineState, stateOf } from './state'
import { tuningRoom } from './tuning'

/** All work of the playground, room by room. It runs in one worker; the page calls it through comlink. */
export function createEngine() {
  const session = new Session()
  const chat = chatRoom(session)
  return {
    device: deviceRoom(session),
    models: modelsRoom(session, chat),
    kept: keptRoom(),
    chat,
    align: alignRoom(session),
    budget: budgetRoom(session),
    inside: insideRoom(session, chat),
    tuning: tuningRoom(session, chat),

    /** Calls back with the state, now and after every change. */
    watch(onState: (state: EngineState) => void): void {
      session.subscribe(() => onState(stateOf(session)))
      onState(stateOf(session))
    },
  }
}

export type Engine = ReturnType<typeof createEngine>
