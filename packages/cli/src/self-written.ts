import { generateSeeds, generateTexts, leftOutText, type SelfWritten } from '@outrider/dataset'
import type { PretrainedModel } from '@outrider/transformer'
import type { Context } from './context'
import { generationProgress } from './generation-progress'
import type { OutputFile } from './outputs/index'

/** How a target writes rows itself, as the flags say. */
interface Writing {
  count: number
  scripts?: readonly string[] | undefined
  batchSize: number
  seed: number
}

/** Where the seeds are that a target wrote itself for a dataset: beside it. */
export const selfSeedsFile = (out: string): string => `${out.replace(/\.jsonl$/i, '')}.seeds.jsonl`

/** Lets a target write its own seeds, and says what they are. */
export async function writeSeeds(
  context: Context,
  target: PretrainedModel,
  { path, file, ...writing }: Writing & { path: string; file: OutputFile; openingShare?: number | undefined },
): Promise<SelfWritten> {
  const { terminal } = context
  terminal.noteParagraph(
    target.chatTemplate
      ? `No --seeds: the target writes ${writing.count} instructions itself, from its empty user turn, into ${path}. Instructions like those of your users make a better draft.`
      : `No --seeds, and ${target.source} has no chat template: it begins ${writing.count} texts itself, into ${path}, and continues them.`,
  )
  return told(context, await generateSeeds({ ...call(context, target, 'write seeds'), ...writing, out: file }), writing)
}

/** Lets a target write texts to pretrain on. */
export async function writeTexts(
  context: Context,
  target: PretrainedModel,
  { file, ...writing }: Writing & { file: OutputFile; maxTokens: number; topP: number; topK: number },
): Promise<SelfWritten> {
  return told(context, await generateTexts({ ...call(context, target, 'write texts'), ...writing, out: file }), writing)
}

const call = ({ terminal, signal }: Context, target: PretrainedModel, label: string) => ({
  target,
  signal,
  onProgress: generationProgress(terminal, { label }),
  onRemark: (remark: string) => terminal.warn(remark),
})

/** Ends the progress, and warns of fewer rows than were asked for. */
function told({ terminal }: Context, written: SelfWritten, { count }: Writing): SelfWritten {
  terminal.endProgress()
  const { rows, leftOut } = written
  if (rows < count)
    terminal.warn(`${rows} of ${count} could be kept of what the target wrote; left out: ${leftOutText(leftOut)}.`)
  return written
}
