export { type ModelJson, modelJson } from './model-json'
export { tokenModel } from './of-json'
export type { TokenModel } from './token-model'
export { Work } from './token-model'
