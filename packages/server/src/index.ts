export { createServer, type OutriderServer, type ServerOptions } from './create-server'
export type { AnsweredTokens } from './engine/decoding'
export type { SpeculativeDecodingReport } from './engine/speculation-report'
export type { ServerFigures } from './metrics/server-metrics'
