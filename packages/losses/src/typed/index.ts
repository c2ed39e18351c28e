export { parseRowLoss, type TypedRowLoss } from './parse-row-loss'
export type { TextPlace, TypedLossProblem } from './place'
export { rowLossFromText } from './row-loss-from-text'
export { rowLossText } from './row-loss-text'
