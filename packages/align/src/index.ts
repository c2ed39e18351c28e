export {
  type CardData,
  type CardDraft,
  type CardFacts,
  type CardFigures,
  type CardStage,
  type CardTarget,
  modelCard,
  modelCardFile,
  type Origin,
  readOrigin,
} from './card/index'
export { type Ceiling, ceilings } from './look/ceiling'
