import { OutriderError } from '../errors'
import { elementsKey } from '../kernel/elements'
import type { Kernel, KernelSpecialization } from '../kernel/index'
import { maxParameterBytes, specializationKey, specialize } from '../kernel/kernel'
import type { Tensor } from '../tensor'

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
  readonly layoutKey: string
}

/** Pipelines by kernel and specialisation, compiled on first use or ahead of it. */
export class PipelineCache {
  readonly parametersLayout: GPUBindGroupLayout
  readonly #gpu: GPUDevice
  readonly #pipelines = new Map<Kernel, Map<string, CompiledKernel>>()
  readonly #layouts = new Map<string, { layout: GPUBindGroupLayout; pipelineLayout: GPUPipelineLayout }>()
  readonly #broken = new Map<Kernel, OutriderError>()
  #checks: Promise<void>[] = []
  #failure: OutriderError | null = null
  count = 0

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu
    this.parametersLayout = gpu.createBindGroupLayout({
      entries: [
        {
          binding: 0,
          visibility: COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: maxParameterBytes },
        },
      ],
    })
  }

  get(
    kernel: Kernel,
    specialization: KernelSpecialization,
    tensors: Readonly<Record<string, Tensor>>,
    shaderF16: boolean,
  ): CompiledKernel {
    const broken = this.#broken.get(kernel)
    if (broken) throw broken
    let variants = this.#pipelines.get(kernel)
    if (!variants) {
      variants = new Map()
      this.#pipelines.set(kernel, variants)
    }
    const types = elementsKey(kernel.name, kernel.elements, tensors, shaderF16)
    const key = `${specializationKey(specialization)}:${types}`
    let compiled = variants.get(key)
    if (!compiled) {
      compiled = this.#compile(kernel, specialize(kernel, specialization, tensors))
      variants.set(key, compiled)
    }
    return compiled
  }

  /** Waits until every kernel used so far is known to have compiled; throws the first that has not. */
  async check(): Promise<void> {
    const checks = this.#checks
    this.#checks = []
    await Promise.all(checks)
    const failure = this.#failure
    this.#failure = null
    if (failure) throw failure
  }

  #compile(kernel: Kernel, code: string): CompiledKernel {
    const { layout, pipelineLayout, layoutKey } = this.#layout(kernel)
    this.#gpu.pushErrorScope('validation')
    const module = this.#gpu.createShaderModule({ label: kernel.name, code })
    const pipeline = this.#gpu.createComputePipeline({
      label: kernel.name,
      layout: pipelineLayout,
      compute: { module, entryPoint: 'main' },
    })
    this.#checks.push(
      this.#gpu.popErrorScope().then(async (error) => {
        if (error) this.#fail(kernel, await describe(kernel, module, code, error))
      }),
    )
    this.count++
    return { pipeline, layout, layoutKey }
  }

  #fail(kernel: Kernel, error: OutriderError): void {
    this.#broken.set(kernel, error)
    this.#failure ??= error
  }

  #layout(kernel: Kernel) {
    const layoutKey = `${kernel.bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('')}${kernel.parameters.length ? 'p' : ''}`
    let found = this.#layouts.get(layoutKey)
    if (!found) {
      const layout = this.#gpu.createBindGroupLayout({
        entries: kernel.bindings.map(({ access }, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      })
      const bindGroupLayouts = kernel.parameters.length ? [layout, this.parametersLayout] : [layout]
      found = { layout, pipelineLayout: this.#gpu.createPipelineLayout({ bindGroupLayouts }) }
      this.#layouts.set(layoutKey, found)
    }
    return { ...found, layoutKey }
  }
}

/** The compiler's message with the lines it means. */
async function describe(
  kernel: Kernel,
  module: GPUShaderModule,
  code: string,
  error: GPUError,
): Promise<OutriderError> {
  const { messages } = await module.getCompilationInfo()
  const lines = code.split('\n')
  const errors = messages.filter(({ type }) => type === 'error')
  // Lines are counted in the kernel's own text, not in what was put before it.
  const before = lines.length - kernel.source.split('\n').length
  const place = (line: number) => (line > before ? `line ${line - before}` : `line ${line} of what it uses`)
  const text = errors
    .map(({ message, lineNum }) => `${place(lineNum)}: ${message}: ${lines[lineNum - 1]?.trim() ?? ''}`)
    .join('\n')
  return new OutriderError('KERNEL', `Kernel ${kernel.name} does not compile. ${text || error.message}`, {
    details: {
      kernel: kernel.name,
      errors: errors.map(({ message, lineNum, linePos }) => ({ message, line: lineNum, column: linePos })),
      code,
    },
  })
}

const COMPUTE = 0x4 // GPUShaderStage.COMPUTE; Node has no global for it
