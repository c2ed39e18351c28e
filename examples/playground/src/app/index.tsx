import type { ComponentChildren } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { Chat } from '../chat/index'
import { engineState, startEngine } from './engine'
import { Notices } from './notices'
import { openTab, TabBar, type TabId } from './tabs'

const Align = lazy(() => import('../align/index').then(({ Align }) => ({ default: Align })))
const Inside = lazy(() => import('../inside/index').then(({ Inside }) => ({ default: Inside })))

export function App() {
  useEffect(() => {
    void startEngine()
  }, [])
  return (
    <>
      <header class="header">
        <h1>Outrider</h1>
        <TabBar />
        <span class="adapter">{engineState.value.device?.adapter}</span>
      </header>
      <Notices />
      <main>
        <Panel id="chat">
          <Chat />
        </Panel>
        <Panel id="align">
          <Align />
        </Panel>
        <Panel id="inside">
          <Inside />
        </Panel>
      </main>
    </>
  )
}

const seen = new Set<TabId>()

/** A panel is made when its tab is first opened, and stays. */
function Panel({ id, children }: { id: TabId; children: ComponentChildren }) {
  const open = openTab.value === id
  if (open) seen.add(id)
  return (
    <section class="panel" role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}`} hidden={!open}>
      {seen.has(id) && <Suspense fallback={<p class="quiet">Loading…</p>}>{children}</Suspense>}
    </section>
  )
}
