export type { Contender } from './contender'
export { drafterName, draftersText } from './drafters-text'
export { type Evaluated, evaluationReport } from './evaluation-report'
export { allTasks, type EvaluationFigures } from './figures'
export { type Answered, type MeasuredPrompt, type MeasureOptions, measureInTurns } from './measure-in-turns'
export {
  type LengthResult,
  type MeasurePairOptions,
  measurePair,
  type PairMeasurement,
} from './measure-pair'
export { bytes, count, duration, fixed, rate } from './numbers'
export { paysText } from './pays-text'
export { readPrompts } from './read-prompts'
export { RecentPace } from './recent-pace'
export { type Bars, barChart } from './report/bar-chart'
export { completionView } from './report/completion'
export type { Completion, CompletionToken, Curves, EvaluationRow, ModelFacts, ReportData, Series } from './report/data'
export type { Markup } from './report/html'
export { lineChart } from './report/line-chart'
export { modelFacts, shapeText } from './report/model-facts'
export { renderReport } from './report/render'
export { temperatureText } from './report/results'
export { stepCosts } from './step-costs'
export { stopsText } from './stops-text'
export { type TokenByTokenOptions, tokenByToken, type Way } from './token-by-token'
