import { type Batch, batchesOnce, type DataSource, generateDataset, jsonl, rows } from '@outrider/dataset'
import { SpeculativeDecoder } from '@outrider/speculative'
import { pretrain } from '@outrider/training'
import { createDraft, type Directory, memoryDirectory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import { exchanges, instructions, plan, pretrainingText, seeds } from 'outrider/tiny-chat'
import type { SuiteContext } from './suite'

/** Of drafts that are distilled from the bundled target. */
export const distillationOptions = { batchSize: 8, length: 72, learningRate: 8e-3 }

/** What drafts of the demo's pair begin with and are held against. */
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

/** @param counts  instructions whose answers are learnt, and prompts that are held out */
export async function smallWorld(
  { note }: Pick<SuiteContext, 'note'>,
  target: PretrainedModel,
  counts: { instructed: number; heldOut: number },
): Promise<SmallWorld> {
  const folder = memoryDirectory()
  note('pretraining')
  const first = createDraft(target, { ...plan.draft, seed: 1 })
  const { texts: _, ...pretraining } = plan.pretraining
  await pretrain(first, pretrainingText(), { ...pretraining, seed: 1 })
  const pretrained = memoryDirectory()
  await saveCausalLM(first, pretrained)
  first.dispose()
  const answers = async (source: DataSource, file: string, temperatures: readonly number[]): Promise<DataSource> => {
    note(`answers, ${file}`)
    const { topP, maxTokens, batchSize } = plan.generation
    const out = { directory: folder, file }
    await generateDataset({ target, seeds: source, out, temperatures, topP, maxTokens, batchSize })
    return jsonl(out)
  }
  const data = await answers(instructions(counts.instructed), 'answers.jsonl', plan.generation.temperatures)
  const prompts = promptsHeldOut(counts)
  const conversations = prompts.map((content) => ({
    kind: 'conversation' as const,
    messages: [{ role: 'user' as const, content }],
    metadata: {},
  }))
  const heldOut = await answers(rows(conversations, 'held out'), 'held-out.jsonl', [0, 1])
  const validation = await batchesOnce(heldOut, target, distillationOptions)
  return { pretrained, data, heldOut, validation, prompts }
}

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
  for (const content of prompts)
    await decoder.generate([{ role: 'user', content }], { maxTokens: plan.generation.maxTokens, ...sampling }).result
  return decoder.metrics.blockEfficiency
}
