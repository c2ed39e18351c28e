import { type Batch, batchesOnce, type DataSource, generateDataset, jsonl, rows } from '@outrider/dataset'
import { SpeculativeDecoder } from '@outrider/speculative'
import { pretrain } from '@outrider/training'
import { createDraft, type Directory, memoryDirectory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import { exchanges, instructions, plan, pretrainingText, seeds } from 'outrider/tiny-chat'
import type { SuiteContext } from './suite'

/** Of drafts that are distilled from the bundled target. */
export const distillationOptions = { batchSize: 8, length: 72, learningRate: 8e-3 }

/** What drafts of a small pair begin with and are held against. */
export interface SmallWorld {
  /** A draft that text was read by, and nothing else. */
  pretrained: Directory
  /** The target's answers to learn from. */
  data: DataSource
  /** Its answers to the prompts below. */
  heldOut: DataSource
  validation: Batch[]
  prompts: string[]
}

/** What such a world is made of. */
export interface WorldParts {
  /** What the target is called where answers are drawn by a hash of it: the same wherever its files lie. */
  name: string
  text: DataSource
  /** Steps of pretraining. */
  steps: number
  asked: DataSource
  prompts: string[]
}

/** @param counts  instructions whose answers are learnt, and prompts that are held out */
export async function smallWorld(
  context: Pick<SuiteContext, 'note'>,
  target: PretrainedModel,
  counts: { instructed: number; heldOut: number },
): Promise<SmallWorld> {
  const parts = { name: 'tiny-chat', text: pretrainingText(), steps: plan.pretraining.steps }
  return worldOf(context, target, {
    ...{ ...parts, asked: instructions(counts.instructed), prompts: promptsHeldOut(counts) },
  })
}

/** Pretrains the draft, and has the target answer. */
export async function worldOf(
  { note }: Pick<SuiteContext, 'note'>,
  target: PretrainedModel,
  { name, text, steps, asked, prompts }: WorldParts,
): Promise<SmallWorld> {
  const folder = memoryDirectory()
  note('pretraining')
  const first = createDraft(target, { ...plan.draft, seed: 1 })
  const { texts: _, ...pretraining } = plan.pretraining
  await pretrain(first, text, { ...pretraining, steps, seed: 1 })
  const pretrained = memoryDirectory()
  await saveCausalLM(first, pretrained)
  first.dispose()
  const answers = async (source: DataSource, file: string, temperatures: readonly number[]): Promise<DataSource> => {
    note(`answers, ${file}`)
    const { topP, maxTokens, batchSize } = plan.generation
    const out = { directory: folder, file }
    const named = { ...target, source: name }
    await generateDataset({ target: named, seeds: source, out, temperatures, topP, maxTokens, batchSize })
    return jsonl(out)
  }
  const data = await answers(asked, 'answers.jsonl', plan.generation.temperatures)
  const heldOut = await answers(conversations(prompts, 'held out'), 'held-out.jsonl', [0, 1])
  const validation = await batchesOnce(heldOut, target, distillationOptions)
  return { pretrained, data, heldOut, validation, prompts }
}

/** Prompts as rows that are to be answered. */
export const conversations = (prompts: readonly string[], name: string): DataSource =>
  rows(
    prompts.map((content) => ({ kind: 'conversation', messages: [{ role: 'user', content }], metadata: {} })),
    name,
  )

/** Prompts of the tasks that are learnt, none of which is. */
function promptsHeldOut({ instructed, heldOut }: { instructed: number; heldOut: number }): string[] {
  const promptsOf = (seed: number, count: number) =>
    exchanges({ seed, count, tasks: ['open-ended', 'summarise'] }).map(({ prompt }) => prompt)
  const known = new Set(promptsOf(seeds.instructions, instructed))
  const fresh = new Set(promptsOf(seeds.prompts, 2 * heldOut).filter((prompt) => !known.has(prompt)))
  return [...fresh].slice(0, heldOut)
}

/** Tokens a pass of the target over all prompts. */
export async function decodedTau(
  pair: { target: PretrainedModel; drafter: PretrainedModel; draftLength: number },
  prompts: readonly string[],
  sampling: object,
): Promise<number> {
  const decoder = new SpeculativeDecoder(pair)
  for (const content of prompts) {
    const prompt = pair.target.chatTemplate ? [{ role: 'user' as const, content }] : content
    await decoder.generate(prompt, { maxTokens: plan.generation.maxTokens, ...sampling }).result
  }
  return decoder.metrics.blockEfficiency
}
