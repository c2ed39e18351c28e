export { checkLoss, type LossCheckOptions } from './check-loss'
export type { LossFormula, Position } from './position'
