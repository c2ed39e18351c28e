import type { Capabilities } from '@outrider/tensor'
import { openCausalLM, parameterCount } from '@outrider/transformer'
import { bytes, count, type Terminal } from '../terminal'
import type { Finding } from './finding'

/** What a model is and takes, from its headers alone; sizes in bytes. */
export interface ModelReport {
  model: string
  architecture: string
  parameters: number
  layers: number
  hidden_size: number
  vocabulary_size: number
  context_length: number
  chat_template: boolean
  /** By element type, as stored. */
  stored_bytes: Record<string, number>
  /** Weights on the device, in f32. */
  weight_bytes: number
  cache_tokens: number
  cache_bytes: number
  /** Weights and cache. */
  device_bytes: number
  largest_tensor: { name: string; bytes: number }
}

const bytesPerElement = 4

export async function inspectModel(path: string, tokens: number): Promise<ModelReport> {
  const { config, weights, chatTemplate, disregarded } = await openCausalLM(path)
  const stored: Record<string, number> = {}
  let largest = { name: '', bytes: 0 }
  for (const [name, { shape, dtype, bytes: size }] of weights.tensors) {
    if (disregarded(name)) continue
    stored[dtype] = (stored[dtype] ?? 0) + size
    const held = shape.reduce((product, length) => product * length, 1) * bytesPerElement
    if (held > largest.bytes) largest = { name, bytes: held }
  }
  const parameters = parameterCount(config)
  const cacheTokens = Math.min(tokens, config.contextLength)
  const cacheBytes = config.layers * 2 * config.kvHeads * config.headDim * cacheTokens * bytesPerElement
  const weightBytes = parameters * bytesPerElement
  return {
    model: path,
    architecture: config.architecture,
    parameters,
    layers: config.layers,
    hidden_size: config.hiddenSize,
    vocabulary_size: config.vocabularySize,
    context_length: config.contextLength,
    chat_template: chatTemplate !== undefined,
    stored_bytes: stored,
    weight_bytes: weightBytes,
    cache_tokens: cacheTokens,
    cache_bytes: cacheBytes,
    device_bytes: weightBytes + cacheBytes,
    largest_tensor: largest,
  }
}

export function printModel(terminal: Terminal, report: ModelReport): void {
  const stored = Object.entries(report.stored_bytes).map(([dtype, size]) => `${dtype} ${bytes(size)}`)
  terminal.print(`\n${terminal.style.bold('Model')}    ${report.model}`)
  terminal.printTable(
    [{ title: 'what' }, { title: 'value', align: 'right' }],
    [
      ['family', report.architecture],
      ['parameters', count(report.parameters)],
      ['layers', `${report.layers} of ${report.hidden_size}`],
      ['vocabulary', String(report.vocabulary_size)],
      ['context', `${report.context_length} tokens`],
      ['chat template', report.chat_template ? 'yes' : 'no'],
      ['stored', stored.join(', ')],
      ['weights on the device', `f32 ${bytes(report.weight_bytes)}`],
      [`cache of ${report.cache_tokens} tokens`, bytes(report.cache_bytes)],
      ['largest tensor', bytes(report.largest_tensor.bytes)],
    ],
  )
}

/** Whether an adapter's limits can hold a model. How much memory there is in all, WebGPU does not tell. */
export function modelFindings(report: ModelReport, capabilities: Capabilities): Finding[] {
  const { name, bytes: largest } = report.largest_tensor
  const limit = Math.min(capabilities.maxBindingBytes, capabilities.maxBufferBytes)
  if (largest <= limit) return []
  return [
    {
      level: 'problem',
      what: `${report.model} does not fit: tensor "${name}" takes ${bytes(largest)} on the device, and one binding of this adapter holds ${bytes(limit)}.`,
      remedy: 'Use a smaller model, one with a smaller vocabulary, or an adapter with larger bindings.',
    },
  ]
}
