export { activationCheckpoint } from './autograd/activation-checkpoint'
export { type Derivative, differentiable, type InputGradient } from './autograd/tape'
export {
  type GradientOptions,
  type TensorTree,
  type ValueAndGradient,
  valueAndGradient,
} from './autograd/value-and-gradient'
export type { Counter, Position } from './device/advancing'
export type { MemoryUse } from './device/buffer-pool'
export type { Capabilities } from './device/capabilities'
export { createDevice, type DeviceOptions } from './device/create-device'
export { Device, type DeviceCounters, type KernelRun } from './device/device'
export type { KernelTime } from './device/kernel-timer'
export type { DType, TypedArray } from './dtype'
export { type ErrorCode, type ErrorOptions, OutriderError, ShapeError } from './errors'
export {
  defineKernel,
  elements,
  formOf,
  type Kernel,
  type KernelDefinition,
  type KernelPart,
  type KernelSpecialization,
  linearWorkgroups,
  type ParameterValue,
  type PartForm,
  type VectorSize,
} from './kernel/index'
export * from './operations/index'
export { rowReduction, rowReductionFor } from './operations/reduce/row-reduction'
export type { Start } from './operations/starts'
export { uniform01 } from './random/philox'
export type { NestedArray, Shape } from './shape'
export { readAll, Tensor } from './tensor'
export type { TensorData } from './tensor-data'
export type { TunedKernels } from './tuning/kernel-choices'
export type { TunedWeights, TuneProgress, Tuning } from './tuning/tune'
