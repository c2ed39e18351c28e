export type { Completion, CompletionToken, Curves, EvaluationRow, ModelFacts, ReportData, Series } from './data'
export { allTasks } from './data'
export { renderReport } from './render'
export { temperatureText } from './results'
