import { shapeText } from '@outrider/evaluation'
import {
  type CacheDtype,
  type HeadAlone,
  type LoadDtype,
  loadCausalLM,
  loadHead,
  type PretrainedModel,
  parameterCount,
} from '@outrider/transformer'
import type { Context } from './context'
import { withFolderAdvice } from './model-source'
import { bytes, count } from './terminal'

/** Loads a model onto the command's device, with a progress line where that takes long. It lives until the command ends. */
export async function openModel(
  context: Context,
  path: string,
  role: string,
  {
    dtype,
    cacheDtype,
    vocabulary,
    signal = context.signal,
  }: {
    dtype?: LoadDtype | undefined
    cacheDtype?: CacheDtype | undefined
    /** The ids that its head is to cover. Default: as it says itself. */
    vocabulary?: readonly number[] | undefined
    /** Breaks off the loading. Default the command's. */
    signal?: AbortSignal | undefined
  } = {},
): Promise<PretrainedModel> {
  const { terminal } = context
  const device = await context.device()
  let progress: ReturnType<typeof terminal.progress> | undefined
  let downloading: { file: string; line: ReturnType<typeof terminal.progress> } | undefined
  const model = await loadCausalLM(path, {
    device,
    dtype,
    cacheDtype,
    vocabulary,
    signal,
    onWarning: context.onWarning,
    onDownload({ file, downloadedBytes, totalBytes }) {
      if (totalBytes < largeBytes) return
      if (downloading?.file !== file) {
        const label = `download ${file}`
        downloading = {
          file,
          line: terminal.progress({ label, total: Math.round(totalBytes / mebibyte), unit: 'MiB' }),
        }
      }
      downloading.line.update(Math.round(downloadedBytes / mebibyte))
    },
    onProgress({ loadedBytes, totalBytes }) {
      if (totalBytes < largeBytes) return
      progress ??= terminal.progress({ label: `load ${role}`, total: Math.round(totalBytes / mebibyte), unit: 'MiB' })
      progress.update(Math.round(loadedBytes / mebibyte))
    },
  }).catch(async (error: unknown) => {
    throw await withFolderAdvice(error, path)
  })
  terminal.endProgress()
  terminal.noteParagraph(
    `${role[0]!.toUpperCase()}${role.slice(1)}: ${path}, ${describeModel(model)}${(cacheDtype ?? 'f32') === 'f32' ? '' : `, caches of ${cacheDtype}`}`,
    '  ',
  )
  return model
}

/** Loads what of a model is behind its last layer. */
export async function openHead(
  context: Context,
  path: string,
  { dtype }: { dtype?: LoadDtype | undefined } = {},
): Promise<PretrainedModel<HeadAlone>> {
  const device = await context.device()
  const { onWarning, signal, terminal } = context
  const head = await loadHead(path, { device, dtype, onWarning, signal }).catch(async (error: unknown) => {
    throw await withFolderAdvice(error, path)
  })
  terminal.noteParagraph(`Target: ${path}, ${describeModel(head)}, its head alone`, '  ')
  return head
}

const mebibyte = 1 << 20
const largeBytes = 64 * mebibyte

/** `659K parameters, 6 layers of 96, vocabulary 464, 2.5 MiB`. */
export function describeModel({ model, config }: PretrainedModel | PretrainedModel<HeadAlone>): string {
  const held = Object.values(model.parameters).reduce((sum, tensor) => sum + tensor.bytes, 0)
  return `${count(parameterCount(config))} parameters, ${shapeText(config)}, ${bytes(held)} on the device`
}
