/**
 * The figures of speculation, as plain data: of a decoder, of an answer, of a conversation, of an evaluation. Rates of nothing
 * are 0; null is what was not measured. Tokens are those that were delivered.
 */
export interface SpeculationFigures {
  /** Blocks in which something was drafted. */
  numDrafts: number
  numDraftTokens: number
  /** Drafted tokens that were accepted and delivered. */
  numAcceptedTokens: number
  /** Blocks that kept the drafted token at each position. */
  numAcceptedTokensPerPos: readonly number[]
  /** Blocks that reached each position: those before it were accepted, and the answer had not ended. */
  numReachedTokensPerPos: readonly number[]
  /** Passes of the target after the prompt: verifications and plain steps. */
  numTargetPasses: number
  /** Tokens that these passes delivered, drafted or not. */
  numDeliveredTokens: number
  /** Delivered tokens of a block that was drafted: accepted ones and the one that the target adds. */
  meanAcceptanceLength: number
  /** The mean γ over target passes. */
  meanDraftLength: number
  /** Drafts that ended early, by a stop, over all drafts. */
  endedEarlyRate: number
  /** Drafts that `draftStop: 'auto'` asked to end early where they are unsure, over all drafts. */
  stopChosenRate: number
  /**
   * What of a draft step is saved where it is left out; 0 or less, and `draftStop: 'auto'` lets no draft end early. Null where it was
   * not measured.
   */
  stopSavingRate: number | null
  /** The mean confidence below which these were asked to end; null where none was. */
  meanStopThreshold: number | null
  /** Accepted over drafted tokens. Not α: drafted tokens after a rejection count as lost. */
  draftAcceptanceRate: number
  /** τ: delivered tokens per pass of the target, passes without a draft included. */
  blockEfficiency: number
  /** α: the mean of Σₓ min(p, q) over the drafted positions that were reached. What follows a rejection has another text before it. */
  acceptanceRate: number
  /** α at each position of the block, as far as any block reached. */
  acceptanceRatePerPos: readonly number[]
  /** Memory-bound speed-up τ / (1 + cγ), c the ratio of parameters and γ the mean draft length; what is looked up has c = 0. */
  mbsu: number
  /** c of MBSU: parameters of the drafter over those of the target. */
  parameterRatio: number
  /** The measured c: seconds of a draft step, or of a parallel draft's pass for a block of the mean length, over those of a plain target step. */
  costRatio: number | null
  /** The α at which blocks of the length drafted are as fast as plain decoding; null if unmeasured or out of reach. */
  breakEvenAcceptanceRate: number | null
  /** The tokens that a block of the length drafted must bring to be as fast as plain decoding: its seconds over a plain pass's. */
  neededAcceptanceLength: number | null
  /**
   * Whether blocks bring more tokens than they must: the mean acceptance length against the one needed. Null where costs are
   * not measured, and before so many blocks that one more could not turn it lightly.
   */
  pays: boolean | null
  /** Delivered tokens per second, the prompt's pass and the token it brings left out. */
  tokensPerSecond: number
  /** Tokens per second of plain decoding, by the measured costs. */
  plainTokensPerSecond: number | null
  /** By who drafted, in the order in which they first did. */
  drafters: readonly DrafterFigures[]
}

/** What the drafts of one came to, as the figures of all: of the blocks that it drafted. */
export interface DrafterFigures {
  /** As in `Block.drafter`. */
  drafter: string
  numDrafts: number
  numDraftTokens: number
  numAcceptedTokens: number
  meanAcceptanceLength: number
  draftAcceptanceRate: number
  acceptanceRate: number
}

/** What has the names of JSON: `acceptanceRatePerPos` is `acceptance_rate_per_pos`. */
export type InJson<Figures> = {
  [Name in keyof Figures as Underscored<Name>]: Figures[Name] extends readonly (infer Each extends object)[]
    ? InJson<Each>[]
    : Figures[Name]
}

type Underscored<Name> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Underscored<Rest>}`
  : Name

/** Figures as JSON has them: under vLLM's names where it has one, beside the paper's. */
export type SpeculationReport = InJson<SpeculationFigures>

/** Figures under their names in JSON, in the order that they have; so are figures in a list. What else they hold stays as it is. */
export const figuresJson = <Figures extends object>(figures: Figures): InJson<Figures> =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      Array.isArray(value) ? value.map((each) => (typeof each === 'object' ? figuresJson(each) : each)) : value,
    ]),
  ) as InJson<Figures>
