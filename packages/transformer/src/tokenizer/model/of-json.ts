import { BytePairEncoding, type BytePairModel } from './byte-pair-encoding'
import type { ModelJson } from './model-json'
import type { TokenModel } from './token-model'
import { Unigram, type UnigramModel } from './unigram'
import { WordLevel, type WordLevelModel } from './word-level'
import { WordPiece, type WordPieceModel } from './word-piece'

/**
 * The model of a tokenizer.json.
 *
 * @throws OutriderError FILE_FORMAT; Error for a model that is damaged
 */
export const tokenModel = (json: ModelJson): TokenModel => models[json.type](json as never)

const models: Readonly<Record<ModelJson['type'], (json: never) => TokenModel>> = {
  BPE: (json: BytePairModel) => new BytePairEncoding(json),
  Unigram: (json: UnigramModel) => new Unigram(json),
  WordPiece: (json: WordPieceModel) => new WordPiece(json),
  WordLevel: (json: WordLevelModel) => new WordLevel(json),
}
