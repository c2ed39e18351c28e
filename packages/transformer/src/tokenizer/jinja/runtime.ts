import type { Budget } from './budget'
import type { Kwargs, Value } from './values'

/** What filters and tests are given of the engine. */
export interface Runtime {
  readonly budget: Budget
  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value
  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean
  call(callee: Value, args: readonly Value[], kwargs: Kwargs): Value
}
