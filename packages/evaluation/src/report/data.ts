import type { EvaluationFigures } from '../figures'

/** All that a report tells. */
export interface ReportData {
  title: string
  /** The figures that matter most, in large. */
  headline?: readonly { label: string; value: string; note?: string }[] | undefined
  /** One paragraph: what was done and what came out of it. */
  lead: string
  /** When it was made, as it is to be printed. */
  created: string
  adapter: string
  models: readonly ModelFacts[]
  curves: readonly Curves[]
  evaluation: readonly EvaluationRow[]
  completion?: Completion | undefined
  /** Settings of the run by group. */
  settings: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  /** Remarks on the results, honest ones. */
  notes: readonly string[]
}

export interface ModelFacts {
  name: string
  role: string
  parameters: number
  shape: string
}

/** Lines over one pair of axes. */
export interface Curves {
  title: string
  x: string
  y: string
  series: readonly Series[]
}

export interface Series {
  name: string
  points: readonly (readonly [x: number, y: number])[]
  /** Its place among colours and dashes; its number in the list if left out. */
  look?: number | undefined
}

/** One draft, measured on one task with one draft length and one way of sampling. */
export interface EvaluationRow extends EvaluationFigures {
  /** Name of the draft, such as its loss. */
  draft: string
  task: string
  draftLength: number | 'auto'
  temperature: number
}

/** One prompt answered several ways, to be read side by side. */
export interface Completion {
  prompt: string
  answers: readonly { title: string; note: string; tokens: readonly CompletionToken[] }[]
}

export interface CompletionToken {
  text: string
  /** Where it came from: the draft's and accepted; the target's in place of a rejected one; the target's after a whole block; or plain decoding. */
  origin: 'accepted' | 'corrected' | 'bonus' | 'plain'
  /** Who drafted an accepted one, as in `Block.drafter`. Default 'model'. */
  drafter?: string
}
