import { type Directory, memoryDirectory, type PretrainedModel, saveCausalLM, saveGguf } from '@outrider/transformer'
import { snapshotOf } from './snapshot'

/** A Hugging Face directory as a ZIP file; its weights alone; or one GGUF file, as llama.cpp takes it. */
export type DraftFormat = 'directory' | 'safetensors' | 'gguf'

/** A file to be saved by the user. */
export interface Download {
  name: string
  bytes: Uint8Array
}

/**
 * A draft as a file, as it is at this moment, also in the middle of its training.
 *
 * @throws OutriderError UNSUPPORTED for a tokenizer that GGUF cannot say
 */
export async function draftFile(draft: PretrainedModel, name: string, format: DraftFormat): Promise<Download> {
  const copy = snapshotOf(draft)
  const files = memoryDirectory()
  try {
    if (format === 'gguf') {
      await saveGguf(copy, files)
      return { name: `${name}.gguf`, bytes: await files.read('model.gguf') }
    }
    await saveCausalLM(copy, files)
    if (format === 'safetensors') return { name: `${name}.safetensors`, bytes: await files.read('model.safetensors') }
    return await zipped(files, name)
  } finally {
    copy.dispose()
  }
}

/** What lies directly in a directory, as a ZIP file of one folder. */
export async function zipped(files: Directory, name: string): Promise<Download> {
  const { zipSync } = await import('fflate')
  const contents = await Promise.all(
    (await files.list()).map(async (file) => [`${name}/${file}`, await files.read(file)] as const),
  )
  // Weights hardly get smaller.
  return { name: `${name}.zip`, bytes: zipSync(Object.fromEntries(contents), { level: 0 }) }
}

/** What a target's draft is called as a file or a folder. */
export const draftName = ({ source }: PretrainedModel): string =>
  `draft-for-${source.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '')}`
