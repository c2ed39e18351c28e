import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Choice } from '../controls/index'
import type { ModelSource, OpenOptions } from '../engine/index'
import { engineState } from './engine'
import { Kept, refreshKept } from './kept'
import { droppedModel, filesOf } from './model-files'
import { notify } from './notices'
import { openDraft, openTarget } from './open-models'

type Purpose = 'target' | 'draft'
type Weights = 'stored' | 'q8_0' | 'q4_0'

const purpose = signal<Purpose>('target')
const isOpen = signal(false)
const weights = signal<Weights>('stored')
const farId = signal('')

export function showOpenDialog(what: Purpose): void {
  purpose.value = what
  isOpen.value = true
  void refreshKept()
}

/** Opens a model: the bundled one, one of the Hub, a directory or a GGUF file. A model may be dropped anywhere on the page, too. */
export function OpenDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isOpen.value])
  useEffect(() => acceptDrops(), [])
  const isDraft = purpose.value === 'draft'
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="open-title"
      onClose={() => {
        isOpen.value = false
      }}
      closedby="any"
    >
      {isOpen.value && (
        <div class="dialog-inner">
          <header class="card-header">
            <h2 id="open-title">{isDraft ? 'Open a draft' : 'Open a model'}</h2>
            <button type="button" class="link" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
          </header>
          {engineState.value.target && (
            <Choice
              label="Use it to"
              value={purpose.value}
              options={[
                { value: 'target', label: 'Talk' },
                { value: 'draft', label: 'Draft' },
              ]}
              hint={isDraft ? `It needs the vocabulary of ${engineState.value.target.name}.` : undefined}
              onChange={(what) => {
                purpose.value = what
              }}
            />
          )}
          <FromFar />
          <FromFiles />
          <Choice
            label="Weights on the GPU"
            value={weights.value}
            options={[
              { value: 'stored', label: 'As stored' },
              { value: 'q8_0', label: '8 bits' },
              { value: 'q4_0', label: '4 bits' },
            ]}
            onChange={(kind) => {
              weights.value = kind
            }}
          />
          {!isDraft && (
            <div class="field">
              <button type="button" class="button" onClick={() => void open({ kind: 'bundled' }, {})}>
                Open the bundled tiny-chat
              </button>
              <p class="hint">A toy of 1.2 MB that comes with this page: a made-up world in fewer than 200 words.</p>
            </div>
          )}
        </div>
      )}
    </dialog>
  )
}

function FromFar() {
  return (
    <form
      class="field"
      onSubmit={(event) => {
        event.preventDefault()
        const id = farId.value.trim()
        if (id !== '') void open({ kind: 'far', id })
      }}
    >
      <label class="field-label" for="far-id">
        From the Hugging Face Hub or an address
      </label>
      <div class="inline">
        <input
          id="far-id"
          type="text"
          autoComplete="off"
          spellcheck={false}
          placeholder="HuggingFaceTB/SmolLM2-135M-Instruct"
          aria-describedby="far-hint"
          value={farId}
          onInput={({ currentTarget }) => {
            farId.value = currentTarget.value
          }}
        />
        <button type="submit" class="button">
          Open
        </button>
      </div>
      <p class="hint" id="far-hint">
        org/name, org/name@revision, org/name/file.gguf or https://…: a model's folder or a GGUF file. Only this fetches
        from elsewhere.
      </p>
      <Kept />
    </form>
  )
}

/** An input that takes a folder: Preact's types do not know. */
const ofFolders = { webkitdirectory: true }

function FromFiles() {
  return (
    <fieldset class="field drop">
      <legend class="field-label">From this machine</legend>
      <p class="hint">Drop a model's folder or a GGUF file anywhere on the page, or choose it. It stays in this tab.</p>
      <div class="inline">
        <label class="button">
          Choose a folder
          <input type="file" class="visually-hidden" {...ofFolders} onChange={chosen} />
        </label>
        <label class="button">
          Choose a GGUF file
          <input type="file" class="visually-hidden" accept=".gguf" onChange={chosen} />
        </label>
      </div>
    </fieldset>
  )
}

function chosen({ currentTarget }: { currentTarget: HTMLInputElement }): void {
  const source = filesOf([...(currentTarget.files ?? [])])
  if (source) void open(source)
}

async function open(source: ModelSource, options: OpenOptions = optionsOf(weights.value)): Promise<void> {
  isOpen.value = false
  await (purpose.value === 'draft' ? openDraft(source, options) : openTarget(source, options))
}

const optionsOf = (kind: Weights): OpenOptions => (kind === 'stored' ? {} : { dtype: kind })

function acceptDrops(): () => void {
  const onOver = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
  }
  const onDrop = async (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    // With the dialog open for a draft, what is dropped is the draft.
    if (!isOpen.value) purpose.value = 'target'
    try {
      const source = await droppedModel(event.dataTransfer)
      if (source) await open(source)
    } catch (error) {
      notify(error)
    }
  }
  addEventListener('dragover', onOver)
  addEventListener('drop', onDrop)
  return () => {
    removeEventListener('dragover', onOver)
    removeEventListener('drop', onDrop)
  }
}
