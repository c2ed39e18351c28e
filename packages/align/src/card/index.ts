export type { CardData, CardDraft, CardFacts, CardFigures, CardStage, CardTarget, CardTask } from './facts'
export { modelCard, modelCardFile } from './model-card'
export { type Origin, readOrigin } from './origin'
export { measuredElsewhere } from './use'
