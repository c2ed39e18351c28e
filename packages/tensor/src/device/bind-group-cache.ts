import type { Storage } from './buffer-pool'
import type { CompiledKernel } from './pipeline-cache'

const capacity = 16384

/** Bind groups by layout and buffers. Pooled buffers come back in the same places, so most dispatches find theirs here. */
export class BindGroupCache {
  made = 0
  readonly #gpu: GPUDevice
  readonly #groups = new Map<string, GPUBindGroup>()

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu
  }

  get({ layout, layoutKey }: CompiledKernel, storages: readonly Storage[]): GPUBindGroup {
    let key = layoutKey
    for (const { id, bytes } of storages) key += `,${id}:${bytes}`
    const known = this.#groups.get(key)
    if (known) return known
    if (this.#groups.size >= capacity) this.clear()
    // A binding ends where its tensor does, so that arrayLength is the tensor's.
    const entries = storages.map(({ buffer, bytes }, binding) => ({ binding, resource: { buffer, size: bytes } }))
    const group = this.#gpu.createBindGroup({ layout, entries })
    this.#groups.set(key, group)
    this.made++
    return group
  }

  /** Forgets all, for instance because buffers were destroyed. */
  clear(): void {
    this.#groups.clear()
  }
}
