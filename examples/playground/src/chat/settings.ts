import { effect } from '@preact/signals'
import { engine } from '../app/engine'
import { attempt } from '../app/notices'
import { stored } from '../app/stored'
import { type ChatSettings, defaultSettings } from '../engine/chat/settings'

/** What becomes of refused drafts on the page. */
export type Refused = 'fade' | 'keep' | 'hide'

/** Settings of the engine's chat, and of the page's. */
export interface PageSettings extends ChatSettings {
  system: string
  refused: Refused
}

const initial: PageSettings = { ...defaultSettings, system: '', refused: 'fade' }

export const settings = stored<PageSettings>('chat', initial, isSettings)

/** Changes settings; an answer that is being made follows at its next block. */
export function change(part: Partial<PageSettings>): void {
  settings.value = { ...settings.value, ...part }
}

export function resetSettings(): void {
  settings.value = { ...initial, system: settings.value.system }
}

effect(() => {
  const { system, refused, ...forEngine } = settings.value
  void attempt(() => engine.chat.configure(forEngine))
})

function isSettings(value: unknown): value is PageSettings {
  if (typeof value !== 'object' || value === null) return false
  const given = value as Record<string, unknown>
  return Object.entries(initial).every(
    ([name, sample]) => typeof given[name] === typeof sample || (name === 'draftLength' && given[name] === 'auto'),
  )
}
