import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp'

/** llama.cpp with a model of ours: an engine that shares no code with this project. */
export interface LlamaCpp {
  /** ln of the probabilities of the token after each of the ids, [ids][vocabulary]. */
  logProbabilities(ids: readonly number[]): Promise<Float64Array[]>
  /** Special tokens written in the text are taken for text, or for what they are. */
  tokenize(text: string, options?: { parseSpecial?: boolean }): number[]
  /** Whether the token ends an answer. */
  isEnd(id: number): boolean
  dispose(): Promise<void>
}

/** Loads a GGUF file into llama.cpp on the CPU, everything in f32 that it lets one choose. */
export async function llamaCpp(path: string): Promise<LlamaCpp> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({
    contextSize: 128,
    // Several wait for one another by spinning: on a busy machine that takes minutes.
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  })
  const sequence = context.getSequence()
  return {
    async logProbabilities(ids) {
      await sequence.clearHistory()
      const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0 }
      const asked = ids.map(
        (id) => [id as Token, { generateNext: { probabilities: true, options: sampling } }] as const,
      )
      const answers = await sequence.controlledEvaluate(asked.map(([id, options]) => [id, options]))
      return answers.map((answer) => {
        const probabilities = answer!.next.probabilities!
        const row = new Float64Array(probabilities.size)
        for (const [id, probability] of probabilities) row[id] = Math.log(probability)
        return row
      })
    },
    tokenize: (text, { parseSpecial = false } = {}) => model.tokenize(text, parseSpecial),
    isEnd: (id) => model.isEogToken(id as Token),
    async dispose() {
      await model.dispose()
      await llama.dispose()
    },
  }
}

/** llama.cpp with the vocabulary of a GGUF file alone. */
export interface LlamaCppVocabulary {
  /** Ids of a text, marks in it recognised. */
  tokenize(text: string): number[]
  /** The token that it puts before a text, if any. */
  begin: number | undefined
  /** Every id of the first `count` that ends an answer. */
  ends(count: number): number[]
  dispose(): Promise<void>
}

/** Opens vocabularies in llama.cpp, one after another. */
export async function llamaCppVocabularies(): Promise<{
  open(path: string): Promise<LlamaCppVocabulary>
  dispose(): Promise<void>
}> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.disabled })
  return {
    async open(path) {
      const model = await llama.loadModel({ modelPath: path, vocabOnly: true })
      return {
        tokenize: (text) => model.tokenize(text, true),
        begin: model.tokens.shouldPrependBosToken ? model.tokens.bos! : undefined,
        ends: (count) => Array.from({ length: count }, (_, id) => id).filter((id) => model.isEogToken(id as Token)),
        dispose: () => model.dispose(),
      }
    },
    dispose: () => llama.dispose(),
  }
}
