export type { AddedToken } from './added-tokens'
export { TextSteps } from './text-steps'
