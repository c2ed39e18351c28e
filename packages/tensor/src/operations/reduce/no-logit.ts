import type { KernelPart } from '../../kernel/index'
import text from './no-logit.wgsl'

/** For kernels that must not take NaN for a number: `isNaN(x: f32)`, and `isNoLogit(x: f32)`, for NaN and +∞. */
export const noLogit: KernelPart = { name: 'noLogit', provides: ['isNaN', 'isNoLogit'], text }

/** What `argmax` and `sampleCategorical` give for a row that nothing can be chosen from: no token has this id. */
export const noToken = 0xffffffff
