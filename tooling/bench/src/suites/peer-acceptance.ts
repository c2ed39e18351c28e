import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpeculativeDecoder } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { Decoder, loadCausalLM, type PretrainedModel, pretrainedModel, saveGguf } from '@outrider/transformer'
import { DraftSequenceTokenPredictor, getLlama, LlamaLogLevel } from 'node-llama-cpp'
import type { Row, Suite } from '../suite'

const prompts = [
  'Once upon a time',
  'Lily and Ben went to the park.',
  'One day, a little girl named',
  'The dog was very happy because',
  'Tom had a big red ball.',
  'In the morning, the sun',
]
// The peer's predictor loses tokens even where target and draft are one model, more of them the more it drafts.
const draftLength = 1
const maxTokens = 64

/**
 * Greedy acceptance of exported drafts in llama.cpp and here: accepted of the tokens that were drafted. `of_itself` is the
 * peer's figure beside what it has for the target as its own draft, which should be 1.
 */
export const peerAcceptance: Suite = {
  name: 'peer-acceptance',
  summary: 'how many drafted tokens of exported pairs are accepted, in llama.cpp and here',
  async run({ device, note }) {
    const path = testData('stories260K')
    const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'))
    try {
      const target = await loadCausalLM(path, { device })
      await saveGguf(target, folder, { file: 'target.gguf' })
      const rows: Row[] = []
      let itself: number | undefined
      for (const [name, draft] of await drafts(target, path, device)) {
        note(name)
        await saveGguf(draft, folder, { file: 'draft.gguf' })
        const exported = await loadCausalLM(join(folder, 'draft.gguf'), { device })
        const ours = await accepted(target, exported)
        const theirs = await acceptedInPeer(join(folder, 'target.gguf'), join(folder, 'draft.gguf'))
        itself ??= theirs
        rows.push({
          draft: name,
          llama_cpp: rounded(theirs),
          of_itself: rounded(theirs / itself),
          outrider: rounded(ours),
        })
      }
      return rows
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Drafts of different worth: the target, the target in 4 bits, its first four layers. */
async function drafts(
  target: PretrainedModel,
  path: string,
  device: Device,
): Promise<(readonly [string, PretrainedModel])[]> {
  const layers = target.config.layers - 1
  const config = { ...target.config, layers }
  const parameters = Object.fromEntries(
    Object.entries(target.model.parameters).filter(([name]) => !name.startsWith(`model.layers.${layers}.`)),
  )
  return [
    ['the target itself', target],
    ['the target in q4_0', await loadCausalLM(path, { device, dtype: 'q4_0' })],
    [`its first ${layers} layers`, pretrainedModel(new Decoder(device, config, parameters), target)],
  ]
}

async function accepted(target: PretrainedModel, draft: PretrainedModel): Promise<number> {
  const decoder = new SpeculativeDecoder({
    target,
    drafter: draft,
    draftLength,
    verification: 'token',
  })
  for (const prompt of prompts) for await (const _ of decoder.generate(prompt, { maxTokens, temperature: 0 }));
  return decoder.metrics.draftAcceptanceRate
}

async function acceptedInPeer(target: string, draft: string): Promise<number> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
  try {
    const [model, small] = await Promise.all([target, draft].map((modelPath) => llama.loadModel({ modelPath })))
    let [validated, evaluated] = [0, 0]
    for (const prompt of prompts) {
      const [context, draftContext] = [
        await model!.createContext({ contextSize: 256, threads: 1 }),
        await small!.createContext({ contextSize: 256, threads: 1 }),
      ]
      const predictor = new DraftSequenceTokenPredictor(draftContext.getSequence(), {
        minTokens: draftLength,
        maxTokens: draftLength,
        minConfidence: 0,
      })
      const sequence = context.getSequence({ tokenPredictor: predictor })
      const ids = [model!.tokens.bos!, ...model!.tokenize(prompt)]
      let count = 0
      for await (const _ of sequence.evaluate(ids, { temperature: 0 })) if (++count >= maxTokens) break
      const { validated: right, refuted } = sequence.tokenPredictions
      validated += right
      evaluated += right + refuted
      await context.dispose()
      await draftContext.dispose()
    }
    return validated / evaluated
  } finally {
    await llama.dispose()
  }
}

const rounded = (x: number) => Number(x.toFixed(3))
