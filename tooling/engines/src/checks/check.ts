import type { EndpointTarget, ScoringTarget } from '@outrider/dataset'
import type { PretrainedModel } from '@outrider/transformer'
import type { Engine, Served } from '../engines/engine'
import type { Reference } from '../reference'

/** What a check is given. */
export interface Asked {
  engine: Engine
  served: Served
  endpoint: EndpointTarget & ScoringTarget
  reference: Reference
  /** What a draft says of a row, for α. */
  draft: Reference
  /** The same model, here. */
  target: PretrainedModel
  which: 'f32' | 'quantised'
}

/** What was found. */
export interface Finding {
  check: string
  /** In words, with figures. */
  found: string
  isGood: boolean
}
