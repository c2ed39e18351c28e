import type { ComponentChildren } from 'preact'
import { showTab } from '../app/tabs'
import { Switch } from '../controls/index'
import type { DraftFormat, DraftState } from '../engine/index'
import { Downloads } from './downloads'

interface DraftCardProps {
  draft: DraftState
  useInChat: (use: boolean) => Promise<unknown>
  download: (format: DraftFormat) => Promise<unknown>
  /** Writes it into a folder that the user picks; for a run that can. */
  saveInto?: () => Promise<unknown>
  children?: ComponentChildren
}

/** What can be done with a draft: Chat, files. */
export function DraftCard({ draft, useInChat, download, saveInto, children }: DraftCardProps) {
  return (
    <section class="card run-draft" aria-labelledby="draft-title">
      <header class="card-header">
        <h2 id="draft-title">The draft</h2>
      </header>
      <div class="run-draft-row">
        <Switch label="Draft with it in Chat" checked={draft.inChat} onChange={(use) => void useInChat(use)} />
        <button type="button" class="link" onClick={() => showTab('chat')}>
          Open Chat
        </button>
      </div>
      <Downloads download={download} saveInto={saveInto} />
      {children}
    </section>
  )
}
