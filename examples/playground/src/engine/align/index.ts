import { lossByName, lossNames } from '@outrider/losses'
import { rowLossFromText, rowLossText, type TypedLossProblem } from '@outrider/losses/typed'
import { OutriderError } from '@outrider/tensor'
import { transfer } from 'comlink'
import { bundledTargetName } from '../bundled'
import type { Session } from '../session'
import { Alignment } from './alignment'
import type { Download, DraftFormat } from './draft-files'
import type { WhenFull } from './patient-directory'
import type { AlignPlan, LossChoice, OwnData } from './plan'
import { type Budget, type DraftSize, presetPlan } from './presets'
import type { AlignState } from './state'
import { watched } from './watched'

export type { BlocksState, BlockWay } from './blocks'
export type { Download, DraftFormat } from './draft-files'
export type { WhenFull } from './patient-directory'
export { type AlignData, type AlignPlan, draftLengths, type LossChoice, type OwnData, type StageName } from './plan'
export { type Budget, budgets, type DraftSize, draftSizes } from './presets'
export type { StageProgress } from './progress'
export type { AlignPhase, AlignState } from './state'
export type { DraftState } from './trained-draft'

/** Trains a draft for the session's target. */
export function alignRoom(session: Session) {
  const alignment: Alignment = new Alignment(session, () => told.changed())
  const told = watched(() => alignment.state)
  return {
    /** Calls back with the state, now and after changes. */
    watch: (onState: (state: AlignState) => void): void => told.watch(onState),

    /** A plan for the present target. */
    preset(size: DraftSize, budget: Budget): AlignPlan {
      const { config, source } = session.requireTarget()
      const { hiddenSize, headDim, contextLength } = config
      return presetPlan({ hiddenSize, headDim, contextLength, isBundled: source === bundledTargetName }, size, budget)
    },

    start: (plan: AlignPlan, own?: OwnData): Promise<void> => alignment.start(plan, own),
    resume: (): Promise<void> => alignment.resume(),
    distilAgain: (loss: LossChoice, steps: number): Promise<void> => alignment.distilAgain(loss, steps),
    /** Adapts a copy of the draft to propose a block in one pass, and measures both in turns. */
    draftInBlocks: (): Promise<void> => alignment.draftInBlocks(),
    pause: (): Promise<void> => alignment.pause(),
    discard: (): Promise<void> => alignment.discard(),
    answerFull: (what: WhenFull): void => alignment.answerFull(what),
    useInChat: (use: boolean): void => alignment.useInChat(use),

    async download(format: DraftFormat): Promise<Download> {
      const file = await alignment.download(format)
      return transfer(file, [file.bytes.buffer as ArrayBuffer])
    },

    /** The built-in losses by name, each as the text that one's own could begin from. */
    losses: (): { name: string; text: string }[] =>
      lossNames.map((name) => ({ name, text: rowLossText(lossByName(name)) })),

    /** What is wrong with a typed loss, read and compiled; nothing where it can be trained with. */
    async checkLoss(text: string): Promise<TypedLossProblem[]> {
      try {
        await rowLossFromText(text, session.requireDevice())
        return []
      } catch (error) {
        if (error instanceof OutriderError && Array.isArray(error.details.problems)) return error.details.problems
        throw error
      }
    },
  }
}
