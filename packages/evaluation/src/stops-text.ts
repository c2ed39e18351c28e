import type { SpeculationFigures } from '@outrider/speculative'
import { fixed } from './numbers'

type Chosen = Pick<SpeculationFigures, 'stopChosenRate' | 'stopSavingRate' | 'meanStopThreshold'>

/** What `draftStop: 'auto'` chose, and by what. */
export function stopsText({ stopChosenRate, stopSavingRate, meanStopThreshold }: Chosen): string {
  if (stopSavingRate === null) return 'no draft may stop: what that saves was not measured'
  if (stopSavingRate <= 0) return 'no draft may stop: a step that is left out takes as long as one that is run'
  const saving = `a step that is left out saves ${fixed(stopSavingRate)} of one that is run`
  if (meanStopThreshold === null) return `no draft may stop, though ${saving}`
  return `${fixed(100 * stopChosenRate, 0)} % of the drafts may stop, below p = ${fixed(meanStopThreshold)}: ${saving}`
}
