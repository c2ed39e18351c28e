import { engineState, halted } from './engine'
import { showTab, TabBar } from './tabs'
import { ThemeButton } from './theme'

export function Header() {
  return (
    <header class="header">
      <div class="header-inner">
        <h1 class="wordmark">
          <svg viewBox="0 0 32 16" aria-hidden="true">
            <path d="M2 8h17" />
            <circle cx="27" cy="8" r="3.4" />
          </svg>
          Outrider
        </h1>
        <TabBar />
        <Adapter />
        <ThemeButton />
      </div>
    </header>
  )
}

/** The adapter in use; a click looks inside. */
function Adapter() {
  const { device, lost } = engineState.value
  const gone = halted.value ? 'no adapter' : lost && 'device lost'
  const state = device ? (device.isSoftware ? 'software' : 'gpu') : gone ? 'none' : 'waiting'
  const name = device?.adapter ?? gone ?? 'starting…'
  return (
    <button type="button" class="adapter" data-state={state} title={name} onClick={() => showTab('inside')}>
      <span class="adapter-dot" aria-hidden="true" />
      <span class="visually-hidden">Adapter: </span>
      <span class="adapter-name">{name}</span>
    </button>
  )
}
