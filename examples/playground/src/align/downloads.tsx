import { useSignal } from '@preact/signals'
import type { DraftFormat } from '../engine/index'
import { download } from './alignment'

const formats: { format: DraftFormat; label: string; hint: string }[] = [
  {
    format: 'directory',
    label: 'Hugging Face folder (.zip)',
    hint: 'config, tokenizer and model.safetensors: for transformers, vLLM and Outrider',
  },
  { format: 'safetensors', label: 'Weights (.safetensors)', hint: 'the weights alone' },
  { format: 'gguf', label: 'GGUF', hint: 'for llama.cpp: llama-server -md' },
]

/** The draft as it is at this moment, as a file. */
export function Downloads() {
  const busy = useSignal<DraftFormat | undefined>(undefined)
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
              onClick={async () => {
                busy.value = format
                await download(format)
                busy.value = undefined
              }}
            >
              {busy.value === format ? 'Writing…' : label}
            </button>
            <span class="hint" id={`download-${format}`}>
              {hint}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
