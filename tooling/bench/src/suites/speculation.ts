import { fileURLToPath } from 'node:url'
import { costRatio, type DraftStop, measureBlocks, modelDrafter, SpeculativeDecoder } from '@outrider/speculative'
import { type Device, multiply, type Tensor } from '@outrider/tensor'
import {
  Decoder,
  type Generation,
  generate,
  loadCausalLM,
  type ModelConfig,
  type PretrainedModel,
  pretrainedModel,
  resolveSampling,
} from '@outrider/transformer'
import { median, rounded } from '../compare'
import type { Row, Suite } from '../suite'

const rounds = 7
const maxTokens = 65
const prompts = ['Tell me about a friend of yours.', 'What do you like to eat?', 'Where does the fox live?']
const stop: DraftStop = { confidence: 0.4 }
const samplings: { temperature: number; draftLength: number; stop?: DraftStop }[] = [
  { temperature: 0, draftLength: 3 },
  { temperature: 0, draftLength: 5 },
  { temperature: 0, draftLength: 5, stop },
  { temperature: 0.7, draftLength: 3 },
  { temperature: 0.7, draftLength: 5 },
  { temperature: 0.7, draftLength: 5, stop },
]

/**
 * What of the speed-up that acceptance and costs allow, τ / (1 + cγ), is left when it is measured. The pair is made for it: a
 * target with random weights whose later layers say little, and its first layer alone as the draft. A block and its parts are those of `measureBlocks`: each part waited for by itself, so that
 * they may add up to more than the block.
 */
export const speculationSuite: Suite = {
  name: 'speculation',
  summary: 'plain and speculative decoding in turns: the speed-up, its share of τ / (1 + cγ), and a block taken apart',
  async run({ device, note, now }) {
    note('making the pair')
    const { target, draft } = await pair(device)
    const rows: Row[] = []
    for (const { temperature, draftLength, stop } of samplings) {
      note(`γ = ${draftLength}, temperature ${temperature}${stop ? ', stopping early' : ''}`)
      const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, draftStop: stop, now })
      const costs = await decoder.measureCosts({ temperature })
      const [plain, speculative]: [number[], number[]] = [[], []]
      for (let round = 0; round <= rounds; round++)
        for (const [i, prompt] of prompts.entries()) {
          const options = { temperature, seed: i, maxTokens }
          const [a, b] = [
            await paceOf(generate(target, prompt, options), now),
            await paceOf(decoder.generate(prompt, options), now),
          ]
          if (round === 0) continue // compiles
          plain.push(a)
          speculative.push(b)
        }
      const [plainBlock, block] = await measureBlocks({
        target: target.model,
        drafter: modelDrafter(draft.model, { stop }),
        sampling: resolveSampling({ temperature }),
        draftLengths: [0, draftLength],
        repetitions: 2 * rounds,
        now,
      })
      const ms = (seconds: number) => rounded(seconds * 1000)
      const c = costRatio(costs)
      const { blockEfficiency: tau, meanDraftLength: gamma } = decoder.metrics
      const speedUp = median(plain) / median(speculative)
      const expected = tau / (1 + c * gamma)
      rows.push({
        temperature,
        γ: draftLength,
        stop: stop && Object.values(stop)[0],
        drafted: rounded(gamma),
        τ: rounded(tau),
        c: rounded(c),
        plain_tokens_s: rounded(1 / median(plain)),
        speculative_tokens_s: rounded(1 / median(speculative)),
        speed_up: rounded(speedUp),
        'τ/(1+cγ)': rounded(expected),
        share: rounded(speedUp / expected),
        block_ms: ms(block!.blockSeconds),
        draft_ms: ms(block!.draftSeconds),
        target_ms: ms(block!.targetSeconds),
        verification_ms: ms(block!.verificationSeconds),
        readback_ms: ms(block!.readbackSeconds),
        host_ms: ms(block!.hostSeconds),
        plain_block_ms: ms(plainBlock!.blockSeconds),
        plain_target_ms: ms(plainBlock!.targetSeconds),
        plain_readback_ms: ms(plainBlock!.readbackSeconds),
      })
    }
    for (const model of [target, draft]) model.dispose()
    return rows
  },
}

async function pair(device: Device): Promise<{ target: PretrainedModel; draft: PretrainedModel }> {
  const folder = fileURLToPath(new URL('../../../../packages/cli/assets/tiny-chat', import.meta.url))
  const bundled = await loadCausalLM(folder, { device })
  bundled.model.dispose()
  const config: ModelConfig = {
    ...bundled.config,
    hiddenSize: 256,
    intermediateSize: 704,
    heads: 8,
    kvHeads: 4,
    headDim: 32,
    layers: 12,
    contextLength: 256,
    initializerRange: 0.08,
    eosTokenIds: [],
  }
  const rest = { ...bundled, generationConfig: { ...bundled.generationConfig, eosTokenIds: [] } }
  const { parameters } = Decoder.initialize(device, config, { seed: 1 })
  for (const [name, weight] of Object.entries(parameters))
    if (/layers\.([1-9]|1[01])\..*(o_proj|down_proj)/.test(name)) {
      parameters[name] = multiply(weight, 0.12)
      weight.dispose()
    }
  const first = Object.entries(parameters).filter(([name]) => !/layers\.([1-9]|1[01])\./.test(name))
  const copy = (x: Tensor) => multiply(x, 1)
  const draft = new Decoder(
    device,
    { ...config, layers: 1 },
    Object.fromEntries(first.map(([name, x]) => [name, copy(x)])),
  )
  return { target: pretrainedModel(new Decoder(device, config, parameters), rest), draft: pretrainedModel(draft, rest) }
}

/** Seconds a token after the first. */
async function paceOf(answer: Generation<unknown>, now: () => number): Promise<number> {
  let first: number | undefined
  let last = 0
  for await (const _ of answer) {
    last = now()
    first ??= last
  }
  const { tokens } = await answer.result
  return (last - first!) / (tokens.length - 1)
}
