export { activationCheckpoint } from './autograd/activation-checkpoint'
export { type Derivative, differentiable, type InputGradient, isTracked, withoutGradients } from './autograd/tape'
export {
  type GradientOptions,
  type TensorTree,
  type ValueAndGradient,
  valueAndGradient,
} from './autograd/value-and-gradient'
export { type Advance, type Counter, counter, type Position, position } from './device/advancing'
export type { MemoryUse } from './device/buffer-pool'
export type { Capabilities } from './device/capabilities'
export { createDevice, type DeviceOptions } from './device/create-device'
export { Device, type DeviceCounters, type KernelRun } from './device/device'
export type { KernelTime } from './device/kernel-timer'
export type { Recording } from './device/recording'
export { type DType, type ElementDType, isFormat, storedBytes, type TypedArray } from './dtype'
export { type ErrorCode, type ErrorOptions, OutriderError, ShapeError } from './errors'
export { floatToHalf, halfToFloat } from './formats/half'
export { type Format, type FormatName, formats } from './formats/index'
export {
  defineKernel,
  type ElementWidth,
  elements,
  formOf,
  type Kernel,
  type KernelDefinition,
  type KernelPart,
  type KernelSpecialization,
  linearWorkgroups,
  type ParameterValue,
  type PartForm,
} from './kernel/index'
export * from './operations/index'
export { noLogit, noToken } from './operations/reduce/no-logit'
export { rowReduction, rowReductionFor } from './operations/reduce/row-reduction'
export { rowVectors, rowVectorsFor, vectorsOf } from './operations/rows/row-vectors'
export type { Start } from './operations/starts'
export { normalPair, philox, philoxRandom, splitWords, uniform01 } from './random/philox'
export type { NestedArray, Shape } from './shape'
export { readAll, Tensor } from './tensor'
export type { TensorData } from './tensor-data'
