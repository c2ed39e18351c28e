import type { ComponentChildren } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { Chat } from '../chat/index'
import { Banners } from './banners'
import { Header } from './header'
import { Notices } from './notices'
import { OpenDialog } from './open-dialog'
import { startEngine } from './start'
import { openTab, type TabId } from './tabs'

const Align = lazy(() => import('../align/index').then(({ Align }) => ({ default: Align })))
const Inside = lazy(() => import('../inside/index').then(({ Inside }) => ({ default: Inside })))

export function App() {
  useEffect(() => {
    void startEngine()
  }, [])
  return (
    <>
      <Header />
      <main>
        <div class="announcements">
          <Banners />
          <Notices />
        </div>
        <OpenDialog />
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

const seen = new Set<TabId>(['chat'])

/** A panel is made when its tab is first opened, and stays; Chat is there from the beginning. */
function Panel({ id, children }: { id: TabId; children: ComponentChildren }) {
  const open = openTab.value === id
  if (open) seen.add(id)
  return (
    <div class="panel" role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}`} hidden={!open}>
      {seen.has(id) && <Suspense fallback={<p class="quiet">Loading…</p>}>{children}</Suspense>}
    </div>
  )
}
