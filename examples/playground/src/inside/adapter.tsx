import { bytesOf, grouped } from '../app/numbers'
import { Facts } from '../controls/index'
import type { InsideState } from '../engine/index'

/** What the adapter offers, as far as kernels choose by it. */
export function Adapter({ state }: { state: InsideState }) {
  const { capabilities: can, features } = state
  const limits = [
    ['Invocations of a workgroup', grouped(can.maxInvocations)],
    ['Memory of a workgroup', bytesOf(can.maxWorkgroupBytes)],
    ['One storage binding', bytesOf(can.maxBindingBytes)],
    ['One buffer', bytesOf(can.maxBufferBytes)],
    ['Storage buffers of a stage', grouped(can.maxStorageBuffers)],
    ['Subgroup size', can.subgroups ? sizes(can.subgroupMinSize, can.subgroupMaxSize) : 'no subgroups'],
  ] as const
  const used = [
    ['subgroups', can.subgroups],
    ['shader-f16', can.shaderF16],
    ['timestamp-query', can.timestampQuery],
  ] as const
  return (
    <section class="card" aria-labelledby="adapter-title">
      <header class="card-header">
        <h2 id="adapter-title">Adapter</h2>
        <span class="badge" data-tone={state.isSoftware ? 'warning' : 'good'}>
          {state.isSoftware ? 'software, on the processor' : 'GPU'}
        </span>
      </header>
      <p class="adapter-title">{state.adapter}</p>
      <h3>Features that kernels choose by</h3>
      <ul class="chips">
        {used.map(([name, has]) => (
          <li key={name} data-has={has}>
            <span aria-hidden="true">{has ? '✓' : '–'}</span> {name}
            <span class="visually-hidden">{has ? ': yes' : ': no'}</span>
          </li>
        ))}
      </ul>
      <h3>Limits</h3>
      <Facts of={limits} />
      <details>
        <summary>All {features.length} features of the device</summary>
        <ul class="chips">
          {features.map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
      </details>
    </section>
  )
}

const sizes = (least: number, most: number) => (least === most ? `${least}` : `${least} to ${most}`)
