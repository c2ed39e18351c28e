import type { Device } from '../../device/device'
import { OutriderError } from '../../errors'
import type { KernelSpecialization } from '../../kernel'
import { rowReduction, workgroupReduction } from '../reduce/row-reduction'
import { generatedStartKernel, type StartKernel } from '../starts'
import { broadcastExchange } from './broadcast-exchange'
import { decodingExchange } from './decoding-exchange'
import type { Exchange } from './exchange'
import {
  type AttentionForm,
  combineSource,
  forwardSource,
  keyGradientSource,
  queryGradientSource,
  seersSource,
} from './frame'
import type { ScoreForm } from './score'
import {
  type AttentionKernelName,
  decodingLanes,
  selectAttention,
  selectsDecoding,
  takesBroadcast,
  takesDecoding,
} from './select'
import { sharedExchange } from './shared-exchange'

/** A kernel of attention, and what its shader is specialised by. */
export interface AttentionKernel {
  kernel: StartKernel
  specialization: KernelSpecialization
}

/** Those of one form. */
export interface AttentionKernels {
  forward: AttentionKernel
  /** What makes the whole of parts. */
  combine: () => AttentionKernel
  /** The kernels of the gradients; made when they are asked for. */
  queryGradient: () => AttentionKernel
  keyGradient: () => AttentionKernel
  /** Finds the rows that see a block of keys, for their gradient, where visibility is given. */
  seers: () => AttentionKernel
}

/**
 * The kernels of attention and its gradients for so many rows.
 *
 * @throws OutriderError INVALID_ARGUMENT where the kernel asked for does not take the form here
 */
export function attentionKernels(
  device: Device,
  { rows, headDim, score }: { rows: number; headDim: number; score: ScoreForm },
  forced?: AttentionKernelName,
): AttentionKernels {
  const decodes = forced ? forced === 'decoding' : !device.tape && selectsDecoding(rows, headDim, device.capabilities)
  const withGradients = forced && forced !== 'decoding' ? forced : selectAttention(headDim, device.capabilities)
  const suffix = `${score.capped ? 'Capped' : ''}${score.given ? 'Given' : ''}`
  const make = (pass: string, source: (form: AttentionForm) => string, name: AttentionKernelName) => {
    const { exchange, constants, prelude } = exchangeOf(device, headDim, name)
    return {
      kernel: generatedStartKernel(`attention${pass}${exchange.name}${suffix}`, () => source({ exchange, score })),
      specialization: { constants: { ...constants, VECTORS: headDim / 4 }, prelude },
    }
  }
  const simple = (pass: string, source: (score: ScoreForm) => string) => ({
    kernel: generatedStartKernel(`attention${pass}${suffix}`, () => source(score)),
    specialization: { constants: { VECTORS: headDim / 4 } },
  })
  return {
    combine: () => simple('Combine', combineSource),
    seers: () => simple('Seers', seersSource),
    forward: make('', forwardSource, decodes ? 'decoding' : withGradients),
    queryGradient: () => make('QueryGradient', queryGradientSource, withGradients),
    keyGradient: () => make('KeyGradient', keyGradientSource, withGradients),
  }
}

function exchangeOf(
  { capabilities, tape }: Device,
  headDim: number,
  name: AttentionKernelName,
): { exchange: Exchange } & KernelSpecialization {
  const takes = {
    shared: true,
    broadcast: takesBroadcast(headDim, capabilities),
    decoding: takesDecoding(headDim) && !tape,
  }
  if (!takes[name])
    throw new OutriderError('INVALID_ARGUMENT', `attention: kernel ${name} does not take this form here.`)
  if (name === 'shared') return { exchange: sharedExchange, ...rowReduction(256, capabilities) }
  if (name === 'decoding')
    return { exchange: decodingExchange, constants: { LANES: decodingLanes }, prelude: workgroupReduction }
  const lanes = capabilities.subgroupMinSize
  return { exchange: broadcastExchange(lanes, headDim / 4), constants: { LANES: lanes } }
}
