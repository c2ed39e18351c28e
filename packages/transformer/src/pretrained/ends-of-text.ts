/** What says which tokens end a text: config.json, and what generation adds to it. */
export interface WithEnds {
  readonly config: { readonly vocabularySize: number; readonly eosTokenIds?: readonly number[] }
  readonly generationConfig: { readonly eosTokenIds: readonly number[] }
}

/** The ids that end a text, each once, of those that the vocabulary has. */
export const endsOfText = ({ config, generationConfig }: WithEnds): number[] =>
  [...new Set([...(config.eosTokenIds ?? []), ...generationConfig.eosTokenIds])].filter(
    (id) => id < config.vocabularySize,
  )
