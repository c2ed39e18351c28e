import type { AnswerStates } from '@outrider/dataset'
import { type Device, OutriderError, type Tensor, takeRows } from '@outrider/tensor'
import { packHalves } from '@outrider/tensor/internal'
import { type CausalLM, type HiddenStatesLM, hasHiddenStates } from '@outrider/transformer'
import { type HostBatch, learntOf, type Reading } from './read-positions'

/** A row of a dataset as the target reads it: what comes after the last position that counts has no say. */
export interface TargetRow {
  /** What it says and what of it is kept: rows of one key have the same states. */
  key: string
  tokens: Uint32Array
  /** The positions whose states are wanted, ascending. */
  places: Uint32Array
}

/** The rows of a batch in which something counts, and where their wanted positions are in it. */
export interface TargetRows {
  rows: TargetRow[]
  /** The number in the batch of each position of each row, in order. */
  numbers: Uint32Array
}

export function targetRows({ tokens, lossMask, batchSize, length }: HostBatch, reading: Reading): TargetRows {
  const rows: TargetRow[] = []
  const numbers: number[] = []
  for (let row = 0; row < batchSize; row++) {
    const learnt = learntOf(lossMask, row, length)
    if (learnt.length === 0) continue
    const end = learnt.at(-1)! + 1
    const places = reading === 'all' ? Uint32Array.from({ length: end }, (_, i) => i) : Uint32Array.from(learnt)
    const read = tokens.slice(row * length, row * length + end)
    rows.push({ key: keyOf(read, places), tokens: read, places })
    for (const place of places) numbers.push(row * length + place)
  }
  return { rows, numbers: Uint32Array.from(numbers) }
}

const keyOf = (tokens: Uint32Array, places: Uint32Array): string => `${places.join()};${tokens.join()}`

/** An answer as the row that is learned from it, whole: the last of its tokens is read by nobody. */
export function answerRow({ prompt, tokens }: Pick<AnswerStates, 'prompt' | 'tokens'>): TargetRow {
  const read = Uint32Array.from([...prompt, ...tokens.slice(0, -1)])
  const places = Uint32Array.from(tokens, (_, i) => prompt.length - 1 + i)
  return { key: keyOf(read, places), tokens: read, places }
}

/** Rows of a sequence are a multiple of this, so that few shapes occur. */
const lengthStep = 8

/**
 * What the target says of a row, as it is kept: hidden states in half precision, u32 [places, ⌈hidden / 2⌉]; of a target that
 * shows none, logits, f32 [places, vocabulary]. A row is computed alone, so that nothing beside it can have a say in its bits.
 */
export function statesOfRow(model: CausalLM, { tokens, places }: TargetRow): Tensor {
  const { device } = model
  return device.scope(() => {
    const read = paddedTokens(device, tokens)
    const isHidden = hasHiddenStates(model)
    const states = isHidden ? model.hidden(read) : model.forward(read) // [1, length, hidden or vocabulary]
    const [, length, columns] = states.shape as [number, number, number]
    const wanted = takeRows(states.reshape([length, columns]), device.tensor(places))
    return isHidden ? packHalves(wanted) : wanted
  })
}

/**
 * What the target says of a row by hidden states that were computed elsewhere, as it is kept.
 *
 * @param found  f32 [places, hidden], before the final norm
 */
export function statesFrom(model: HiddenStatesLM, { places }: TargetRow, found: Float32Array): Tensor {
  const { device } = model
  if (!model.finalNorm)
    throw new OutriderError('UNSUPPORTED', 'The target takes no hidden states of elsewhere (finalNorm).')
  return device.scope(() => {
    const states = device.tensor(found, { shape: [places.length, found.length / places.length] })
    return packHalves(model.finalNorm!(states))
  })
}

function paddedTokens(device: Device, tokens: Uint32Array): Tensor {
  const padded = new Uint32Array(Math.ceil(tokens.length / lengthStep) * lengthStep)
  padded.set(tokens)
  return device.tensor(padded, { shape: [1, padded.length] })
}
