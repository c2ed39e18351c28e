import { useSignal } from '@preact/signals'
import type { DraftFormat } from '../engine/index'

const formats: { format: DraftFormat; label: string; hint: string }[] = [
  {
    format: 'directory',
    label: 'Hugging Face folder (.zip)',
    hint: 'config, tokenizer and model.safetensors: for transformers, vLLM and Outrider',
  },
  { format: 'safetensors', label: 'Weights (.safetensors)', hint: 'the weights alone' },
  { format: 'gguf', label: 'GGUF', hint: 'for llama.cpp: llama-server -md' },
]

interface DownloadsProps {
  download: (format: DraftFormat) => Promise<unknown>
  /** Writes the folder into one that the user picks. */
  saveInto?: (() => Promise<unknown>) | undefined
}

/** The draft as it is at this moment, as a file; or as a folder, in a browser that lets the user pick where. */
export function Downloads({ download, saveInto }: DownloadsProps) {
  const busy = useSignal<DraftFormat | 'folder' | undefined>(undefined)
  const write = async (what: NonNullable<typeof busy.value>, work: () => Promise<unknown>) => {
    busy.value = what
    await work()
    busy.value = undefined
  }
  return (
    <div class="field">
      <h3>Download it as it is now</h3>
      <ul class="downloads">
        {formats.map(({ format, label, hint }) => (
          <li key={format}>
            <button
              type="button"
              class="button"
              disabled={busy.value !== undefined}
              aria-describedby={`download-${format}`}
              onClick={() => void write(format, () => download(format))}
            >
              {busy.value === format ? 'Writing…' : label}
            </button>
            <span class="hint" id={`download-${format}`}>
              {hint}
            </span>
          </li>
        ))}
        {saveInto && 'showDirectoryPicker' in window && (
          <li>
            <button
              type="button"
              class="button"
              disabled={busy.value !== undefined}
              aria-describedby="save-into"
              onClick={() => void write('folder', saveInto)}
            >
              {busy.value === 'folder' ? 'Writing…' : 'Save into a folder…'}
            </button>
            <span class="hint" id="save-into">
              the same folder, unpacked, where you choose
            </span>
          </li>
        )}
      </ul>
    </div>
  )
}
