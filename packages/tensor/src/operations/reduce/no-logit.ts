import source from './no-logit.wgsl'

/** WGSL for kernels that must not take NaN for a number: `isNaN(x: f32)`, and `isNoLogit(x: f32)`, for NaN and +∞. */
export const noLogitWgsl: string = source

/** What `argmax` and `sampleCategorical` give for a row that nothing can be chosen from: no token has this id. */
export const noToken = 0xffffffff
