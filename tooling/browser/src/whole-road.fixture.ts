import { texts } from '@outrider/dataset'
import { tvd } from '@outrider/losses'
import { SpeculativeDecoder } from '@outrider/speculative'
import { createDevice, type Device } from '@outrider/tensor'
import { distill } from '@outrider/training'
import {
  byteTokenizer,
  createDraft,
  Decoder,
  generate,
  loadCausalLM,
  memoryDirectory,
  parseConfig,
  pretrainedModel,
  saveCausalLM,
} from '@outrider/transformer'

const tokenizer = byteTokenizer()
const config = parseConfig({
  architectures: ['LlamaForCausalLM'],
  vocab_size: tokenizer.vocabularySize,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  initializer_range: 0.2,
  eos_token_id: tokenizer.tokenToId('</s>'),
})

export interface WholeRoad {
  /** Losses of the training steps. */
  losses: number[]
  plain: number[]
  speculative: number[]
  accepted: number
  /** Tokens of the draft after it was saved and loaded. */
  reloaded: number[]
  draft: number[]
  leakedBytes: number
}

/** Distils a tiny draft for a few steps, saves and loads it, and lets it draft for its target: every library at work. */
export default async function wholeRoad(_input?: unknown, own?: Device): Promise<WholeRoad> {
  const device = own ?? (await createDevice())
  const before = device.memory.liveBytes
  const target = pretrainedModel(Decoder.initialize(device, config, { seed: 1 }), {
    tokenizer,
    generationConfig: { eosTokenIds: config.eosTokenIds },
    source: 'tiny target',
  })
  const draft = createDraft(target, { layers: 1, hiddenSize: 16, heads: 2 })

  const data = texts(['once upon a time there was a fox', 'the fox ran over the hill and far away', 'a dog slept'])
  const training = { steps: 4, learningRate: 0.02, warmup: 0, batchSize: 2, length: 16 }
  const { history } = await distill({ draft, target, data, loss: tvd, ...training })

  const files = memoryDirectory()
  await saveCausalLM(draft, files)
  const loaded = await loadCausalLM(files, { device })
  const prompt = 'once upon'
  const options = { maxTokens: 12, temperature: 0 }
  const decoder = new SpeculativeDecoder({ target, drafter: loaded, draftLength: 3 })
  const speculative: number[] = []
  let accepted = 0
  for await (const block of decoder.generate(prompt, options)) {
    speculative.push(...block.tokens)
    accepted += block.accepted
  }
  const answers = []
  for (const model of [target, draft, loaded]) {
    const answer: number[] = []
    for await (const { token } of generate(model, prompt, options)) answer.push(token)
    answers.push(answer)
  }
  for (const model of [loaded, draft, target]) model.dispose()
  const leakedBytes = device.memory.liveBytes - before
  if (!own) device.dispose()
  return {
    losses: history.map(({ loss }) => loss!),
    plain: answers[0]!,
    speculative,
    accepted,
    draft: answers[1]!,
    reloaded: answers[2]!,
    leakedBytes,
  }
}
