import type { EvaluationFigures } from '@outrider/evaluation'
import type { Origin } from './origin'

/** All that a model card says of a draft. Nothing of it is measured or looked up while the card is written. */
export interface CardFacts {
  /** What the draft is called. */
  name: string
  /** What others give for it: a directory, or `org/name` once it is on the Hub. */
  place: string
  /** The model that it drafts for. */
  target: CardTarget
  draft: CardDraft
  /** What it learned from. */
  data: CardData
  /** Its training, in order. */
  training: readonly CardStage[]
  /** What was measured, in the order of the table; none where nothing was. */
  figures: readonly CardFigures[]
  /** The same by task, where tasks were told apart. */
  byTask?: readonly CardTask[] | undefined
  /** On what, as `SwiftShader Device (LLVM 10.0.0), software`; with figures. */
  adapter?: string | undefined
  /** What measures them again: lines for a shell. */
  measuredBy?: readonly string[] | undefined
  /** What makes the draft again: lines for a shell. */
  madeBy: readonly string[]
  /** What came out, as one sentence. */
  verdict?: string | undefined
  /** γ to draft with elsewhere. */
  draftLength: number
  /** A table of the target's answers lies beside the weights, which is looked up before the draft is asked. */
  hasAnswers?: boolean | undefined
  /** A GGUF file of the draft in its directory. */
  gguf?: string | undefined
}

export interface CardTarget {
  /** What it is opened by: `org/name`, a directory, a .gguf file. */
  source: string
  parameters: number
  /** Where it comes from, as `readOrigin` finds it. */
  origin?: Origin | undefined
}

export interface CardDraft {
  parameters: number
  layers: number
  hiddenSize: number
  vocabularySize: number
  /** How many ids it says, where these are not all. */
  covered?: number | undefined
}

export interface CardData {
  /** In words: where the instructions are from, what was left out. */
  instructions: string
  answers: number
  answerTokens: number
  temperatures: readonly number[]
  /** In words: what it was pretrained on. */
  text?: string | undefined
  /** Data sets of the Hub among all of it. */
  datasets?: readonly string[] | undefined
}

export interface CardStage {
  /** `pretrain`, `distill`. */
  name: string
  loss: string
  steps: number
  tokens: number
  /** The loss at the end, held out where it was. */
  finalLoss?: number | undefined
}

/** What one way of drafting came to. */
export interface CardFigures
  extends Pick<EvaluationFigures, 'blockEfficiency' | 'acceptanceRate' | 'costRatio' | 'speedUp' | 'prompts'> {
  /** `the draft`, `prompt lookup`, `lookup, then the draft`. */
  way: string
  /** What was asked, in words. */
  asked: string
  draftLength: number | 'auto'
  temperature: number
}

/** What ways of drafting came to on the prompts of one task, each as it is used. */
export interface CardTask {
  task: string
  prompts: number
  temperature: number
  /** The same ways in the same order, for each task. */
  ways: readonly (Pick<EvaluationFigures, 'blockEfficiency' | 'speedUp'> & { way: string })[]
}
