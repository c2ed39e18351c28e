import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createDraft, obstaclesElsewhere, openCausalLM, saveCausalLM, saveGguf } from '@outrider/transformer'
import { DraftSequenceTokenPredictor, getLlama, LlamaLogLevel } from 'node-llama-cpp'
import type { Row, Suite } from '../suite'

const texts = ['Once upon a time, 12345 × 3!', '\tdef f(x):\n    return x  # done', 'Größe — 你好 <|im_start|>user\nhi']
const prompt = 'The capital of France is'
const draftLength = 3
const tokens = 12

/** What transformers and llama.cpp make of a fresh draft for a model, as a draft is saved. It learned nothing: it is used, not followed. */
export const peerDrafts: Suite = {
  name: 'peer-drafts',
  summary:
    'whether transformers and llama.cpp take a draft for --model; needs Python with torch, transformers and gguf (OUTRIDER_PYTHON)',
  async run({ device, model, note }) {
    if (model === undefined) return []
    const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'))
    try {
      const target = await openCausalLM(model)
      const draft = createDraft(target, { layers: 1, hiddenSize: 64, heads: 1, device })
      const rows: Row[] = obstaclesElsewhere(target, draft).map(({ engine, what }) => ({ engine, obstacle: what }))
      const place = join(folder, 'draft')
      await saveCausalLM(draft, place, { assistant: { draftLength, confidenceThreshold: 0 } })
      const file = join(folder, 'draft.gguf')
      await saveGguf(draft, folder, { file: basename(file), dtype: 'F16', acceptDifferences: true })
      const isGguf = model.endsWith('.gguf')
      note('transformers')
      const found = await inTransformers({
        target: isGguf ? dirname(model) : model,
        gguf_file: isGguf ? basename(model) : null,
        draft: place,
        texts: Object.fromEntries(texts.map((one) => [one, target.tokenizer.encode(one)])),
        prompt,
        tokens,
      })
      rows.push({
        engine: 'transformers',
        vocab_size: found.vocab_size.join(' and '),
        same_tokens: `${found.same_tokens} of ${texts.length}`,
        same_answer: String(found.same_answer),
        draft_passes: found.draft_passes,
        target_passes: found.target_passes,
      })
      if (!isGguf) return rows
      note('llama.cpp')
      return [...rows, { engine: 'llama.cpp', drafted: await inLlamaCpp(model, file) }]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

interface Found {
  vocab_size: number[]
  same_tokens: number
  same_answer: boolean
  target_passes: number
  draft_passes: number
}

async function inTransformers(request: object): Promise<Found> {
  const script = fileURLToPath(new URL('../../peers/assistant.py', import.meta.url))
  const python = process.env.OUTRIDER_PYTHON ?? 'python3'
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  child.stdin.on('error', () => undefined) // one that ended early says why itself
  child.stdin.end(JSON.stringify(request))
  const [out, status] = await Promise.all([text(child.stdout), ended])
  if (status !== 0) throw new Error(`${python} ended with ${status}: it needs torch, transformers and gguf.`)
  return JSON.parse(out) as Found
}

/** How many tokens of the draft were looked at: llama.cpp compares the vocabularies as the first is drafted, and throws. */
async function inLlamaCpp(target: string, draft: string): Promise<number> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
  try {
    const [model, small] = [await llama.loadModel({ modelPath: target }), await llama.loadModel({ modelPath: draft })]
    const context = await model.createContext({ contextSize: 128, threads: 1 })
    const draftContext = await small.createContext({ contextSize: 128, threads: 1 })
    // With its defaults it drafts nothing of which the draft is not sure.
    const options = { minTokens: 1, maxTokens: 1, minConfidence: 0 }
    const tokenPredictor = new DraftSequenceTokenPredictor(draftContext.getSequence(), options)
    const sequence = context.getSequence({ tokenPredictor })
    let count = 0
    for await (const _ of sequence.evaluate(model.tokenize(prompt), { temperature: 0 })) if (++count >= tokens) break
    const { validated, refuted } = sequence.tokenPredictions
    return validated + refuted
  } finally {
    await llama.dispose()
  }
}
