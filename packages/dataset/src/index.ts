export {
  type BatchAnswersOptions,
  type BatchFigures,
  type BatchTarget,
  batchAnswers,
} from './batch-files/batch-answers'
export { type WriteBatchOptions, writeBatch } from './batch-files/write-batch'
export { type Batch, toBatch } from './batches/batch'
export {
  type BatchesIdentity,
  type BatchOptions,
  type BatchStream,
  batchesOnce,
  batchStream,
} from './batches/batch-stream'
export { type Mixture, mix } from './batches/mix'
export { rowLength } from './batches/row-length'
export type { EndpointAnswer } from './endpoint/chat-answer'
export type {
  AskedContinuation,
  Continuation,
  Continued,
  ContinuingTarget,
} from './endpoint/continuations'
export {
  type AskedConversation,
  type ConversationAnswered,
  type EndpointTarget,
  type OpenAiTargetOptions,
  openAiTarget,
} from './endpoint/openai-target'
export { type BadRows, badRows } from './formats/bad-rows'
export { parseRow } from './formats/parse-row'
export type { ConversationRow, DataSource, DatasetRow, TextRow, TokensRow } from './formats/row'
export { useRow } from './formats/use-row'
export type { DraftOfRows } from './generate/draft-of-rows'
export {
  type AnswerStates,
  type GenerateDatasetOptions,
  type GeneratedRow,
  type GenerationProgress,
  generateDataset,
} from './generate/generate-dataset'
export type { Share } from './generate/own-rows'
export { generatedRows } from './generate/row-file'
export type { Fault } from './self-written/fault'
export type { SeedCategory } from './self-written/openings'
export { type GenerateSeedsOptions, generateSeeds } from './self-written/seeds'
export {
  type LeftOutFaults,
  leftOutText,
  type SelfWritten,
  type SelfWrittenOptions,
  type SelfWrittenProgress,
} from './self-written/self-written'
export { type GenerateTextsOptions, generateTexts } from './self-written/texts'
export type { FilePatterns } from './sources/files-of'
export { jsonl } from './sources/jsonl'
export type { FilePlace } from './sources/open-file'
export { rowFiles } from './sources/row-files'
export { rows, texts } from './sources/rows'
export type { RowOptions } from './sources/rows-in'
export { type TextFilesOptions, textFiles } from './sources/text-files'
export { answersIn, answersOf } from './tokenize/answers'
export { countIds, frequentIds } from './tokenize/count-ids'
export { type AnswersSaid, type Example, promptOf, type Speaker, tokenizeConversation } from './tokenize/example'
export type { LeftOut, OnLeftOut } from './tokenize/left-out'
export { tokenize } from './tokenize/tokenize'
export { readTopTokens, type TopTokenReading } from './top-tokens/at-temperature'
export { openTopTokenShards, type TopTokenShards } from './top-tokens/open-shards'
export {
  type ScoreDatasetOptions,
  type Scored,
  type ScoredDataset,
  type ScoringTarget,
  scoreDataset,
} from './top-tokens/score-dataset'
export type { ShardHead } from './top-tokens/shard-file'
export { noToken, nothing, type RowTopTokens, type TopOfPlaces } from './top-tokens/top-tokens'
