/** Inputs that every contender gets. */

export type { Matrix } from '../peers/common.mjs'
export * as common from '../peers/common.mjs'
