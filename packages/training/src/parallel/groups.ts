import { uniform01 } from '@outrider/tensor'
import type { ParallelSettings } from './options'

/** Masks behind a place of a row, its anchor: the last token that the draft is shown. */
export interface MaskGroup {
  anchor: number
  /** How many: at the positions right behind the anchor. */
  masks: number
}

/**
 * The groups of a row, of which some are dropped (conditional drop: PARD, An et al. 2025, arXiv 2504.18583): of the places that
 * could have k masks behind them, the share max(ratioᵏ, minimum) does, and these are among those that have k − 1. So a row has at
 * most Σₖ ⌈share · places⌉ masks, whatever is drawn.
 *
 * @param counts  of a row's places, which count: an anchor counts, and so does what is behind it
 * @param seed    decides which are kept
 */
export function drawnGroups(
  counts: ArrayLike<number>,
  { draftLength, ratio, minimum }: Pick<ParallelSettings, 'draftLength' | 'ratio' | 'minimum'>,
  seed: number,
): MaskGroup[] {
  const room = roomBehind(counts, draftLength - 1)
  let kept = shuffled(anchorsOf(room), seed)
  const masks = new Map<number, number>()
  for (let k = 1; k < draftLength; k++) {
    const places = room.reduce((count, most) => count + (most >= k ? 1 : 0), 0)
    kept = kept.filter((anchor) => room[anchor]! >= k).slice(0, Math.ceil(Math.max(ratio ** k, minimum) * places))
    for (const anchor of kept) masks.set(anchor, k)
  }
  return [...masks].map(([anchor, masks]) => ({ anchor, masks })).sort((a, b) => a.anchor - b.anchor)
}

/** Whole groups behind every so-and-so-many-th place, for figures: the same in every validation, at the cost of three passes. */
export function spacedGroups(counts: ArrayLike<number>, draftLength: number): MaskGroup[] {
  const room = roomBehind(counts, draftLength - 1)
  const step = Math.ceil((draftLength - 1) / 2)
  return anchorsOf(room)
    .filter((_, i) => i % step === 0)
    .map((anchor) => ({ anchor, masks: room[anchor]! }))
}

/** How many places that count come right behind each that does, `most` at most; 0 for those that do not. */
function roomBehind(counts: ArrayLike<number>, most: number): number[] {
  const room = new Array<number>(counts.length).fill(0)
  for (let place = counts.length - 2; place >= 0; place--)
    if (counts[place] && counts[place + 1]) room[place] = Math.min(most, room[place + 1]! + 1)
  return room
}

const anchorsOf = (room: readonly number[]): number[] => room.flatMap((most, place) => (most > 0 ? [place] : []))

/** In an order that a seed decides (Fisher–Yates). */
function shuffled(places: number[], seed: number): number[] {
  for (let i = places.length - 1; i > 0; i--) {
    const j = Math.floor(uniform01(seed, i) * (i + 1))
    ;[places[i], places[j]] = [places[j]!, places[i]!]
  }
  return places
}

/**
 * What the groups of a row are drawn with, 48 bits.
 *
 * @param seed    the run's
 * @param step    which step of it
 * @param number  of the row's first position among those of the step, below 2²⁴
 */
export function groupSeed(seed: number, step: number, number: number): number {
  const [high, low] = [0, 1].map((half) => uniform01(seed, 2 ** 50 + (step * 2 ** 24 + number) * 2 + half))
  return Math.floor(high! * 2 ** 24) * 2 ** 24 + Math.floor(low! * 2 ** 24)
}
