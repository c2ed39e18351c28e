import type { Device } from '../../device/device'
import { OutriderError } from '../../errors'
import type { KernelSpecialization } from '../../kernel/index'
import { rowReductionFor, workgroupReduction } from '../reduce/row-reduction'
import { generatedStartKernel, type StartKernel } from '../starts'
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
import { type ScoreForm, scoreUses } from './score'
import {
  type AttentionKernelName,
  decodingLanes,
  selectAttention,
  selectsDecoding,
  takesDecoding,
  takesSubgroups,
} from './select'
import { sharedExchange } from './shared-exchange'
import { subgroupsExchange } from './subgroups-exchange'

/** A kernel of attention, and what its shader is specialised by. */
export interface AttentionKernel {
  kernel: StartKernel
  specialization: KernelSpecialization
}

/** Those of one form. */
export interface AttentionKernels {
  forward: AttentionKernel
  /** What makes the whole of splits. */
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
  form: { rows: number; headDim: number; score: ScoreForm; tracked: boolean },
  forced?: AttentionKernelName,
): AttentionKernels {
  const { rows, headDim, score, tracked } = form
  const decodes = forced ? forced === 'decoding' : !tracked && selectsDecoding(rows, headDim, device.capabilities)
  const withGradients = forced && forced !== 'decoding' ? forced : selectAttention(headDim, device.capabilities)
  const suffix = `${score.capped ? 'Capped' : ''}${score.given ? 'Given' : ''}`
  const make = (pass: string, source: (form: AttentionForm) => string, name: AttentionKernelName) => {
    const { exchange, ...specialization } = exchangeOf(device, form, name)
    return {
      kernel: generatedStartKernel(`attention${pass}${exchange.name}${suffix}`, () => ({
        source: source({ exchange, score }),
        uses: [...exchange.uses, ...scoreUses(score)],
        constants: exchange.constants,
      })),
      specialization: { ...specialization, constants: { ...specialization.constants, VECTORS: headDim / 4 } },
    }
  }
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
    forward: make('', forwardSource, decodes ? 'decoding' : withGradients),
    queryGradient: () => make('QueryGradient', queryGradientSource, withGradients),
    keyGradient: () => make('KeyGradient', keyGradientSource, withGradients),
  }
}

function exchangeOf(
  { capabilities }: Device,
  { headDim, tracked }: { headDim: number; tracked: boolean },
  name: AttentionKernelName,
): { exchange: Exchange } & KernelSpecialization {
  const takes = {
    shared: true,
    subgroups: takesSubgroups(headDim, capabilities),
    decoding: takesDecoding(headDim) && !tracked,
  }
  if (!takes[name])
    throw new OutriderError('INVALID_ARGUMENT', `attention: kernel ${name} does not take this form here.`)
  if (name === 'subgroups') {
    const lanes = capabilities.subgroupMinSize
    return { exchange: subgroupsExchange(lanes, headDim / 4), constants: { LANES: lanes } }
  }
  if (name === 'decoding') return { exchange: decodingExchange, forms: [workgroupReduction(decodingLanes)] }
  return { exchange: sharedExchange, forms: [rowReductionFor(256, capabilities)] }
}
