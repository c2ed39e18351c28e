import { signal } from '@preact/signals'

export const tabs = [
  { id: 'chat', label: 'Chat' },
  { id: 'align', label: 'Align' },
  { id: 'inside', label: 'Look inside' },
] as const

export type TabId = (typeof tabs)[number]['id']

const fromAddress = (): TabId => tabs.find(({ id }) => id === location.hash.slice(1))?.id ?? 'chat'

/** The open tab; the address bar has it too. */
export const openTab = signal<TabId>(fromAddress())
addEventListener('hashchange', () => {
  openTab.value = fromAddress()
})

export function showTab(id: TabId): void {
  openTab.value = id
  history.replaceState(null, '', `#${id}`)
}

export function TabBar() {
  return (
    <div class="tabs" role="tablist" aria-label="Playground" onKeyDown={moveFocus}>
      {tabs.map(({ id, label }) => (
        <button
          type="button"
          key={id}
          role="tab"
          id={`tab-${id}`}
          aria-controls={`panel-${id}`}
          aria-selected={openTab.value === id}
          tabIndex={openTab.value === id ? 0 : -1}
          onClick={() => showTab(id)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}

/** Arrow keys, Home and End choose a tab. */
function moveFocus(event: KeyboardEvent): void {
  const at = tabs.findIndex(({ id }) => id === openTab.value)
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  const { id } = tabs[(to + tabs.length) % tabs.length]!
  showTab(id)
  document.getElementById(`tab-${id}`)?.focus()
}
