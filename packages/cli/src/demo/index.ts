export { bundledTarget } from './bundled-target'
export { type Exchange, exchanges, plainText, type Task, tasks } from './world/index'
export { tokenizerFiles, vocabularySize } from './world/tokenizer'
