import { engineState } from '../app/engine'
import { countOf } from '../app/numbers'
import { showOpenDialog } from '../app/open-dialog'
import { closeDraft, openDraft, opening } from '../app/open-models'

const bundledTarget = 'tiny-chat'

/** Which model speaks, and who drafts for it. */
export function DrafterLine() {
  const { target, draft } = engineState.value
  if (opening.value) return <Opening />
  if (!target) return <p class="models quiet">No model is open.</p>
  const current = draft ? draft.origin : 'lookup'
  const choose = (choice: string) => {
    if (choice === 'open') showOpenDialog('draft')
    else if (choice === 'lookup') void closeDraft()
    else if (choice === 'bundled' && current !== 'bundled') void openDraft({ kind: 'bundled' })
  }
  return (
    <p class="models">
      <button type="button" class="model-button" onClick={() => showOpenDialog('target')} title="Open another model">
        <span class="visually-hidden">Model: </span>
        <strong>{target.name}</strong> <span class="quiet">{countOf(target.parameters)}</span>
        <span class="chevron" aria-hidden="true" />
      </button>
      <label class="drafter">
        <span class="quiet">drafted by</span>
        <select
          aria-label="Drafter"
          value={current}
          onChange={({ currentTarget }) => {
            choose(currentTarget.value)
            currentTarget.value = current
          }}
        >
          {target.name === bundledTarget && (
            <option value="bundled">
              aligned tiny draft{draft?.origin === 'bundled' && ` (${countOf(draft.parameters)})`}
            </option>
          )}
          {draft && draft.origin !== 'bundled' && (
            <option value={draft.origin}>
              {draft.name} ({countOf(draft.parameters)})
            </option>
          )}
          <option value="lookup">prompt lookup (no model)</option>
          <option value="open">open a draft…</option>
        </select>
      </label>
    </p>
  )
}

function Opening() {
  const { name, progress } = opening.value!
  const { stage = 'load', doneBytes = 0, totalBytes = 0 } = progress ?? {}
  const mega = (bytes: number) => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)
  const what = `${stage === 'fetch' ? 'Fetching' : 'Opening'} ${name}`
  return (
    <p class="models" role="status">
      <span>
        {what}
        {totalBytes > 0 && (
          <span class="quiet">
            {' '}
            {stage === 'fetch' && `${mega(doneBytes)} of `}
            {mega(totalBytes)} MB
          </span>
        )}
      </span>
      <progress value={totalBytes > 0 ? doneBytes / totalBytes : undefined} max={1} aria-label={what} />
    </p>
  )
}
