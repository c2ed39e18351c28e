import { transfer } from 'comlink'
import type { Download, DraftFormat } from '../align/draft-files'
import type { WhenFull } from '../align/patient-directory'
import { watched } from '../align/watched'
import type { Session } from '../session'
import { BudgetRun, type BudgetWish } from './budget-run'
import type { BudgetState } from './state'

export type { BudgetWish } from './budget-run'
export type { BudgetPhase, BudgetStage, BudgetState, LoggedTraining } from './state'

/** Aligns a draft with a target that the user opened, within a budget of time. */
export function budgetRoom(session: Session) {
  const run: BudgetRun = new BudgetRun(session, () => told.changed())
  const told = watched(() => run.state)
  return {
    /** Calls back with the state, now and after changes. */
    watch: (onState: (state: BudgetState) => void): void => told.watch(onState),

    start: (wish: BudgetWish): Promise<void> => run.start(wish),
    resume: (options?: { anyway?: boolean }): Promise<void> => run.resume(options),
    pause: (): Promise<void> => run.pause(),
    discard: (): Promise<void> => run.discard(),
    answerFull: (what: WhenFull): void => run.answerFull(what),
    useInChat: (use: boolean): void => run.useInChat(use),
    saveInto: (picked: FileSystemDirectoryHandle): Promise<string> => run.saveInto(picked),

    async download(format: DraftFormat): Promise<Download> {
      const file = await run.download(format)
      return transfer(file, [file.bytes.buffer as ArrayBuffer])
    },
  }
}
