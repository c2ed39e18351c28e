export { type CallableFunction, type CallForm, functionCallConstraint } from './call-constraint'
export { GrammarConstraint } from './grammar-constraint'
export {
  type Constrained,
  type JsonConstraintOptions,
  jsonObjectConstraint,
  jsonSchemaConstraint,
} from './json-constraint'
export type { JsonSchema } from './json-schema/keywords'
export type { WhiteSpace } from './json-text'
