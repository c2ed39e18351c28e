import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import { openTab } from '../app/tabs'
import type { InsideState } from '../engine/index'
import { Adapter } from './adapter'
import { KernelTimes } from './kernel-times'
import { Memory } from './memory'
import { Stages } from './stages'
import { Tuning } from './tuning'

const state = signal<InsideState | undefined>(undefined)

/** The device: what it is, what it holds, and what it has done. */
export function Inside() {
  const { device } = engineState.value
  useEffect(() => {
    if (!device) {
      state.value = undefined
      return
    }
    const look = async () => {
      if (openTab.value === 'inside') state.value = await attempt(() => engine.inside.look())
    }
    void look()
    const timer = setInterval(look, 1000)
    return () => clearInterval(timer)
  }, [device, openTab.value])
  const now = state.value
  if (!now) return <p class="quiet page">No device is running.</p>
  return (
    <div class="page inside">
      <Adapter state={now} />
      <Memory state={now} />
      <Tuning />
      <KernelTimes supported={now.capabilities.timestampQuery} />
      <Stages entries={now.stages} />
    </div>
  )
}
