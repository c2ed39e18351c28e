export { type Batch, toBatch } from './batches/batch'
export { type BatchOptions, type BatchStream, batchesOnce, batchStream } from './batches/batch-stream'
export { type Mixture, mix } from './batches/mix'
export { parseRow } from './formats/parse-row'
export type { ConversationRow, DataSource, DatasetRow, TextRow, TokensRow } from './formats/row'
export {
  type GenerateDatasetOptions,
  type GeneratedRow,
  type GenerationProgress,
  generateDataset,
} from './generate/generate-dataset'
export { jsonl } from './sources/jsonl'
export type { FilePlace } from './sources/open-file'
export { rows, texts } from './sources/rows'
export { type TextFilesOptions, textFiles } from './sources/text-files'
export { type Example, promptOf, type Speaker, tokenizeConversation } from './tokenize/example'
export { tokenize } from './tokenize/tokenize'
