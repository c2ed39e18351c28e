import { generateDataset, generateSeeds, jsonl, openTopTokenShards, scoreDataset } from '@outrider/dataset'
import { type Directory, projectEmbedding, within } from '@outrider/transformer'
import { type TargetElsewhere, usualTopTokens } from './target-elsewhere'
import type { Teacher } from './teacher'

/** The folder of a run that has what the target thinks: `outrider score` writes the same. */
const shardsOf = (folder: Directory): Directory => within(folder, 'shards')

/** A target at an endpoint: it answers and is asked what it thinks of its answers, and the draft learns from what it said. */
export function teacherElsewhere(target: TargetElsewhere): Teacher {
  const { endpoint, device, topTokens: k = usualTopTokens, concurrency = 16, maxFailed, weights, config } = target
  return {
    model: undefined,
    writeSeeds: (options) => generateSeeds({ ...options, target: endpoint, speaker: target, batchSize: concurrency }),
    answering: ({ folder, signal, tell }) => ({
      async answer(options) {
        const asked = { ...options, target: endpoint, batchSize: concurrency, maxFailed }
        const { withoutIds, failed } = await generateDataset(asked)
        const warn = (text: string) => tell({ kind: 'warning', text })
        if (failed > 0) warn(`Left out of the answers, as the endpoint refused them: ${failed}.`)
        if (withoutIds > 0)
          warn(
            `The endpoint says no ids of tokens for ${withoutIds} answers: the tokens of their texts are learned, which may be others. vLLM and outrider serve say them.`,
          )
      },
      async think(files) {
        for (const file of files)
          await scoreDataset({
            target: endpoint,
            speaker: target,
            data: jsonl({ directory: folder, file }),
            out: shardsOf(folder),
            k,
            concurrency,
            signal,
            onProgress({ rows, total, tokens }) {
              const progress = { done: rows, total, unit: 'answers', note: `${tokens} tokens` }
              tell({ kind: 'progress', label: `score ${file.replace(/\.jsonl$/, '')}`, ...progress })
            },
          })
      },
      [Symbol.dispose]: () => undefined,
    }),
    embedding: async (options) => weights && projectEmbedding({ config, weights }, { ...options, device }),
    async lessons({ folder }) {
      const { tokenizer, chatTemplate, generationConfig } = target
      const shards = await openTopTokenShards(shardsOf(folder))
      const speaker = { config, tokenizer, generationConfig, ...(chatTemplate && { chatTemplate }) }
      return {
        target: { kind: 'shards', ...speaker, shards },
        targetStates: undefined,
        [Symbol.dispose]: () => undefined,
      }
    },
  }
}
