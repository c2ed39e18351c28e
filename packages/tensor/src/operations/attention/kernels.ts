import type { Device } from '../../device/device'
import { OutriderError } from '../../errors'
import type { KernelDefinition, KernelPart, KernelSpecialization } from '../../kernel/index'
import { rowReductionFor, workgroupReduction } from '../reduce/row-reduction'
import { generatedStartKernel, type StartKernel } from '../starts'
import { cachedInBlocks } from './blocked-cache'
import { decodingExchange } from './decoding-exchange'
import type { Exchange } from './exchange'
import { flashKeyGradientSource, flashQueryGradientSource } from './flash-gradient-source'
import { type FlashForm, flashSource } from './flash-source'
import {
  type AttentionForm,
  cached,
  combineSource,
  forwardSource,
  keyGradientSource,
  queryGradientSource,
  seersSource,
} from './frame'
import { type ScoreForm, scoreUses } from './score'
import {
  type AttentionKernelName,
  decodingLanes,
  type FlashShape,
  flashQueries,
  flashShape,
  selectAttention,
  selectGroups,
  selectsDecoding,
  takesDecoding,
  takesSubgroups,
} from './select'
import { sharedExchange } from './shared-exchange'
import { subgroupsExchange } from './subgroups-exchange'
import { wideSource } from './wide-source'

/** A kernel of attention, and what its shader is specialised by. */
export interface AttentionKernel {
  kernel: StartKernel
  specialization: KernelSpecialization
  /** Queries, or keys, of a workgroup, where they are not four. */
  members?: number
}

/** Those of one form. */
export interface AttentionKernels {
  /** With the queries of a block, which is a workgroup's, and whether queries, and what they get, may be f16. */
  forward: AttentionKernel & { queries: number; takesHalves: boolean }
  /** What makes the whole of splits. */
  combine: () => AttentionKernel
  /** The kernels of the gradients; made when they are asked for. */
  queryGradient: () => AttentionKernel
  keyGradient: () => AttentionKernel
  /** Finds the rows that see a block of keys, for their gradient, where visibility is given. */
  seers: () => AttentionKernel
}

/**
 * The kernels of attention and its gradients for so many rows, and so many queries of a key head.
 *
 * @throws OutriderError INVALID_ARGUMENT where the kernel asked for does not take the form here
 */
export function attentionKernels(
  device: Device,
  form: {
    rows: number
    queries: number
    headDim: number
    /** Whether keys and values are f16. */
    half: boolean
    score: ScoreForm
    tracked: boolean
    /** Whether keys and values are in q8_0. */
    inBlocks: boolean
  },
  forced?: AttentionKernelName,
): AttentionKernels {
  const { rows, queries, headDim, half, score, tracked, inBlocks } = form
  const decodes = forced ? forced === 'decoding' : !tracked && selectsDecoding(rows, headDim, device.capabilities)
  const selected = selectAttention({ headDim, half }, device.capabilities)
  // A tile of `flash` is of numbers, not of blocks.
  const own = inBlocks && selected === 'flash' ? 'shared' : selected
  const chosen = forced && forced !== 'decoding' ? forced : own
  const withGradients = chosen === 'wide' ? 'subgroups' : chosen === 'flash' ? 'shared' : chosen
  const suffix = `${score.capped ? 'Capped' : ''}${score.given ? 'Given' : ''}`
  const [held, holding] = inBlocks ? [cachedInBlocks, 'Blocked'] : [cached, '']
  const make = (
    pass: string,
    source: (form: AttentionForm) => string,
    name: ExchangeName,
    uses: readonly KernelPart[] = [],
  ) => {
    const { exchange, ...specialization } = exchangeOf(device, form, name)
    return {
      kernel: generatedStartKernel(`attention${pass}${exchange.name}${suffix}`, () => ({
        source: source({ exchange, score }),
        uses: [...uses, ...exchange.uses, ...scoreUses(score)],
        constants: exchange.constants,
      })),
      specialization: { ...specialization, constants: { ...specialization.constants, VECTORS: headDim / 4 } },
    }
  }
  const wide = () => {
    const { capabilities } = device
    if (!takesSubgroups(headDim, capabilities)) throw notTaken('wide')
    const [lanes, vectors] = [capabilities.subgroupMinSize, headDim / 4]
    const groups = selectGroups(queries, headDim, capabilities)
    const kernel = generatedStartKernel(`attention${holding}Wide${lanes}x${vectors}x${groups}${suffix}`, () => ({
      source: wideSource({ score, lanes, vectors, groups }),
      uses: [held, ...scoreUses(score)],
      constants: ['LANES', 'VECTORS'],
    }))
    return {
      kernel,
      specialization: { constants: { LANES: lanes, VECTORS: vectors } },
      queries: 4 * groups,
      takesHalves: false,
    }
  }
  const flash = () => {
    const shape = flashShape({ headDim, half }, device.capabilities)
    if (!shape || inBlocks) throw notTaken('flash')
    const vectors = headDim / 4
    const name = `attentionFlash${vectors}x${shape.keys}${half ? 'Half' : ''}${suffix}`
    return {
      kernel: generatedStartKernel(name, () => flashSource({ score, vectors, ...shape })),
      specialization: { constants: { LANES: (flashQueries / 4) * shape.across, VECTORS: vectors } },
      queries: flashQueries,
      takesHalves: true,
    }
  }
  /** A tile of the gradients is of f32, whatever the cache holds. */
  const gradientShape = chosen === 'flash' ? flashShape({ headDim, half: false }, device.capabilities) : undefined
  const flashGradient = (
    pass: string,
    source: (form: FlashForm) => Omit<KernelDefinition, 'name'>,
    shape: FlashShape,
  ): AttentionKernel => {
    const vectors = headDim / 4
    return {
      kernel: generatedStartKernel(`attention${pass}Flash${vectors}x${shape.keys}${suffix}`, () =>
        source({ score, vectors, ...shape }),
      ),
      specialization: { constants: { LANES: (flashQueries / 4) * shape.across, VECTORS: vectors } },
      members: flashQueries,
    }
  }
  const narrow = (name: ExchangeName) => ({
    ...make(holding, forwardSource, name, [held]),
    queries: 4,
    takesHalves: false,
  })
  const simple = (pass: string, source: (score: ScoreForm) => string, constants: Record<string, number> = {}) => ({
    kernel: generatedStartKernel(`attention${pass}${suffix}`, () => ({
      source: source(score),
      constants: Object.keys(constants),
    })),
    specialization: { constants },
  })
  return {
    combine: () => simple('Combine', combineSource, { VECTORS: headDim / 4 }),
    seers: () => simple('Seers', seersSource),
    forward: decodes ? narrow('decoding') : chosen === 'wide' ? wide() : chosen === 'flash' ? flash() : narrow(chosen),
    queryGradient: () =>
      gradientShape
        ? flashGradient('QueryGradient', flashQueryGradientSource, gradientShape)
        : make('QueryGradient', queryGradientSource, withGradients),
    keyGradient: () =>
      gradientShape
        ? flashGradient('KeyGradient', flashKeyGradientSource, gradientShape)
        : make('KeyGradient', keyGradientSource, withGradients),
  }
}

const notTaken = (name: AttentionKernelName) =>
  new OutriderError('INVALID_ARGUMENT', `attention: kernel ${name} does not take this form here.`)

/** The kernels that are a frame and an exchange. */
type ExchangeName = Exclude<AttentionKernelName, 'wide' | 'flash'>

function exchangeOf(
  { capabilities }: Device,
  { headDim, tracked }: { headDim: number; tracked: boolean },
  name: ExchangeName,
): { exchange: Exchange } & KernelSpecialization {
  const takes = {
    shared: true,
    subgroups: takesSubgroups(headDim, capabilities),
    decoding: takesDecoding(headDim) && !tracked,
  }
  if (!takes[name]) throw notTaken(name)
  if (name === 'subgroups') {
    const lanes = capabilities.subgroupMinSize
    return { exchange: subgroupsExchange(lanes, headDim / 4), constants: { LANES: lanes } }
  }
  if (name === 'decoding') return { exchange: decodingExchange, forms: [workgroupReduction(decodingLanes)] }
  return { exchange: sharedExchange, forms: [rowReductionFor(256, capabilities)] }
}
