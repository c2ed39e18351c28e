// Trains the tiny chat model that `outrider demo` speeds up, from nothing: the small world's texts and conversations in, a
// Hugging Face directory out. With the same adapter the same bytes.
//
//   npm run train-target -- [directory] [steps]     Ctrl-C and again: it goes on from its last checkpoint

import { type DataSource, promptOf, rows, type TokensRow } from '@outrider/dataset'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { pretrain } from '@outrider/training'
import {
  ChatTemplate,
  Decoder,
  directory,
  type ModelConfig,
  type PretrainedModel,
  pretrainedModel,
  saveCausalLM,
  Tokenizer,
} from '@outrider/transformer'
import { exchanges, plainText, tokenizerFiles, vocabularySize } from 'outrider/tiny-chat'

const [out = 'tiny-chat', steps = '2200'] = process.argv.slice(2)

const config: ModelConfig = {
  architecture: 'llama',
  vocabularySize,
  hiddenSize: 64,
  intermediateSize: 176,
  layers: 12, // deep and narrow: a draft of one layer is then much faster even where every kernel is small
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  contextLength: 128,
  ropeTheta: 1000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 0,
  eosTokenIds: [1],
  padTokenId: 4,
  initializerRange: 0.05,
}

await useSoftwareAdapter()
const device = await createDevice({ adapter: nodeAdapter() })
console.log(`Adapter: ${device.adapterName}`)
const files = tokenizerFiles()
const target = pretrainedModel(Decoder.initialize(device, config, { seed: 1 }), {
  tokenizer: Tokenizer.fromJson(files['tokenizer.json'], files['tokenizer_config.json']),
  chatTemplate: ChatTemplate.fromConfig(files['tokenizer_config.json'])!,
  generationConfig: { bosTokenId: 0, eosTokenIds: [1], padTokenId: 4 },
  source: 'tiny-chat',
})

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
await pretrain(target, corpus(target), {
  steps: Number(steps),
  batchSize: 4,
  length: 128,
  seed: 1,
  learningRate: 3e-3,
  warmup: 50,
  weightDecay: 0.05,
  checkpoints: directory(`${out}.training`),
  checkpointEvery: 100,
  keepCheckpoints: 1,
  resume: true,
  signal: interrupted.signal,
  onStep({ step, loss, seconds }) {
    if (step % 50 === 0) console.log(`step ${step}  loss ${loss.toFixed(3)}  ${seconds.toFixed(0)} s`)
  },
})
await saveCausalLM(target, out, { dtype: 'F16' })
console.log(`Written to ${out}`)
process.exit(0)

/**
 * Conversations and, one in five, plain texts, packed end to end into full rows. Answers count whole, prompts a little: they
 * are not to be said, but knowing what may come in them helps in reading them.
 */
function corpus({ tokenizer, chatTemplate, ...rest }: PretrainedModel): DataSource {
  const speaker = { tokenizer, chatTemplate: chatTemplate!, ...rest }
  const [begin, end] = [config.bosTokenId!, config.eosTokenIds[0]!]
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
  const talk = exchanges({ seed: 1, count: 24_000 })
  const texts = plainText({ seed: 1, count: 6_000 })

  const packed: TokensRow[] = []
  let row: TokensRow = { kind: 'tokens', tokens: [], lossMask: [] }
  const add = (tokens: number[], weights: number[]) => {
    row.tokens.push(...tokens)
    row.lossMask.push(...weights)
    if (row.tokens.length <= 128) return
    packed.push({ kind: 'tokens', tokens: row.tokens.slice(0, 129), lossMask: row.lossMask.slice(0, 129) })
    row = { kind: 'tokens', tokens: [], lossMask: [] } // every row begins with a whole conversation
  }
  for (const [i, { prompt, answer }] of talk.entries()) {
    const question = promptOf(speaker, [{ role: 'user', content: prompt }])
    const reply = [...encode(answer), end]
    add([...question, ...reply], [...question.map(() => 0.3), ...reply.map(() => 1)])
    if (i % 4 === 0) {
      const text = [begin, ...encode(texts[i / 4]!), end]
      add(
        text,
        text.map(() => 1),
      )
    }
  }
  return rows(packed, 'the small world')
}
