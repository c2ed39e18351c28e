import { OutriderError } from '@outrider/tensor'
import { obstaclesElsewhere, type PretrainedModel, saveGguf } from '@outrider/transformer'
import type { Run } from './stages/run'

/** The draft as llama.cpp reads it. */
export const ggufFile = 'draft.gguf'

/**
 * Writes the draft as GGUF in Q8_0 beside its other files, and tells what llama.cpp makes otherwise of it. Of a tokenizer or a
 * configuration that a GGUF file cannot say exactly there is none, which is told, too: the run is none the worse for it.
 *
 * @returns the file's name; undefined where there is none
 * @throws OutriderError FILE_WRITE
 */
export async function writeGguf(
  { target, out, tell }: Pick<Run, 'target' | 'out' | 'tell'>,
  draft: PretrainedModel,
): Promise<string | undefined> {
  try {
    const { differences } = await saveGguf(draft, out, { file: ggufFile, dtype: 'Q8_0' })
    for (const difference of differences) tell({ kind: 'note', text: `  In llama.cpp: ${difference}.` })
  } catch (error) {
    if (!(error instanceof OutriderError && error.code === 'UNSUPPORTED')) throw error
    if (await out.has(ggufFile)) await out.remove(ggufFile)
    tell({ kind: 'warning', text: `${ggufFile} is not written. ${error.message}` })
    return undefined
  }
  for (const { engine, what } of obstaclesElsewhere(target, draft))
    if (engine === 'llama.cpp')
      tell({ kind: 'warning', text: `llama.cpp does not take ${ggufFile} as a draft: ${what}.` })
  return ggufFile
}
