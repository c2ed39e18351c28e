import type { Capabilities } from '@outrider/tensor'
import {
  assertCacheDtype,
  type CacheDtype,
  cacheDtypes,
  cacheDtypesFor,
  cacheRowBytes,
  type LoadDtype,
  loadDtypes,
  type OnWarning,
  openCausalLM,
  parameterCount,
  parameterShapes,
  weightBytes,
} from '@outrider/transformer'
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
  /** Weights on the device as they are stored, and converted by --dtype. */
  weight_bytes: Record<'stored' | LoadDtype, number>
  cache_tokens: number
  cache_dtype: CacheDtype
  cache_bytes: number
  /** The same by --cache-dtype, of those that take the model's heads. */
  cache_bytes_with: Partial<Record<CacheDtype, number>>
  /** Weights as they are stored, and the cache. */
  device_bytes: number
  /** Keys, or values, of one layer: these lie in one binding. */
  largest_cache_bytes: number
}

export async function inspectModel(
  path: string,
  { context, cacheDtype }: { context: number; cacheDtype: CacheDtype },
  onWarning: OnWarning,
): Promise<ModelReport> {
  const { config, weights, chatTemplate, disregarded } = await openCausalLM(path, { onWarning })
  const stored: Record<string, number> = {}
  for (const [name, { dtype, bytes: size }] of weights.tensors)
    if (!disregarded(name)) stored[dtype] = (stored[dtype] ?? 0) + size
  assertCacheDtype(config, cacheDtype, path)
  const parameters = parameterCount(config)
  const cacheTokens = Math.min(context, config.contextLength)
  const layerBytes = cacheTokens * cacheRowBytes(config, cacheDtype)
  const cacheBytes = config.layers * 2 * layerBytes
  const cacheBytesWith = cacheDtypesFor(config).map((dtype) => [
    dtype,
    config.layers * 2 * cacheTokens * cacheRowBytes(config, dtype),
  ])
  const shapes = parameterShapes(config)
  const held = {
    stored: weightBytes(weights, shapes),
    ...Object.fromEntries(loadDtypes.map((dtype) => [dtype, weightBytes(weights, shapes, dtype)])),
  } as ModelReport['weight_bytes']
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
    weight_bytes: held,
    cache_tokens: cacheTokens,
    cache_dtype: cacheDtype,
    cache_bytes: cacheBytes,
    cache_bytes_with: Object.fromEntries(cacheBytesWith),
    device_bytes: held.stored + cacheBytes,
    largest_cache_bytes: layerBytes,
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
      ['weights on the device', bytes(report.weight_bytes.stored)],
      ...loadDtypes.map((dtype) => [`  with --dtype ${dtype}`, bytes(report.weight_bytes[dtype])]),
      [`cache of ${report.cache_tokens} tokens, ${report.cache_dtype}`, bytes(report.cache_bytes)],
      ...Object.entries(report.cache_bytes_with)
        .filter(([dtype]) => dtype !== report.cache_dtype)
        .map(([dtype, size]) => [`  with --cache-dtype ${dtype}`, bytes(size)]),
      ['in all, as stored', bytes(report.device_bytes)],
    ],
  )
}

/** Whether an adapter's limits can hold a model. How much memory there is in all, WebGPU does not tell. */
export function modelFindings(report: ModelReport, capabilities: Capabilities): Finding[] {
  const limit = Math.min(capabilities.maxBindingBytes, capabilities.maxBufferBytes)
  if (report.largest_cache_bytes <= limit) return []
  const most = Math.floor((limit / report.largest_cache_bytes) * report.cache_tokens)
  const { cache_bytes, cache_bytes_with } = report
  const smaller = cacheDtypes.find(
    (dtype) =>
      report.largest_cache_bytes * ((cache_bytes_with[dtype] ?? Number.POSITIVE_INFINITY) / cache_bytes) <= limit,
  )
  return [
    {
      level: 'problem',
      what: `${report.model} with a cache of ${report.cache_tokens} tokens does not fit: the keys of a layer take ${bytes(report.largest_cache_bytes)}, and one binding of this adapter holds ${bytes(limit)}.`,
      remedy: `Use a context of at most ${most} tokens${smaller ? `, or --cache-dtype ${smaller}` : ''}.`,
    },
  ]
}
