import { type MatrixUnit, matrixUnitsFeature } from './matrix-units'

/** What an adapter can do, as far as kernels choose by it. Never the adapter's name. */
export interface Capabilities {
  readonly subgroups: boolean
  /** Smallest and largest number of invocations in a subgroup; 0 without `subgroups`. */
  readonly subgroupMinSize: number
  readonly subgroupMaxSize: number
  readonly shaderF16: boolean
  readonly timestampQuery: boolean
  readonly maxInvocations: number
  readonly maxWorkgroupBytes: number
  /** Bytes that one storage binding can hold. */
  readonly maxBindingBytes: number
  readonly maxBufferBytes: number
  readonly maxStorageBuffers: number
  readonly uniformAlignment: number
  readonly storageAlignment: number
  /** Products of whole matrices that subgroups compute. Left out where there are none. */
  readonly matrixUnits?: readonly MatrixUnit[]
}

/** What of the capabilities kernels that hand values round between invocations are chosen by. */
export type Subgroups = Pick<Capabilities, 'subgroups' | 'subgroupMinSize' | 'subgroupMaxSize'>

/** Whether a CPU plays the GPU: subgroups narrower than any GPU's are its vectors. */
export const isOnCpu = ({ subgroups, subgroupMaxSize }: Subgroups): boolean => subgroups && subgroupMaxSize <= 8

/** Whether every subgroup has the same size, so that a kernel can be written for it. */
export const hasOneSubgroupSize = ({ subgroups, subgroupMinSize, subgroupMaxSize }: Subgroups): boolean =>
  subgroups && subgroupMinSize === subgroupMaxSize

/** Optional features that Outrider uses where an adapter has them. */
const wantedFeatures = ['subgroups', 'shader-f16', 'timestamp-query', matrixUnitsFeature] as const

/** The most of an adapter that Outrider can use: its optional features, and its own limits for sizes of data and of workgroups. */
export function deviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  const {
    maxStorageBufferBindingSize,
    maxBufferSize,
    maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX,
  } = adapter.limits
  return {
    label: 'outrider',
    requiredFeatures: wantedFeatures.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
    requiredLimits: {
      maxStorageBufferBindingSize,
      maxBufferSize,
      maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX,
    },
  }
}

export function capabilitiesOf(
  device: GPUDevice,
  info: GPUAdapterInfo | undefined,
  matrixUnits: readonly MatrixUnit[] = [],
): Capabilities {
  const { limits, features } = device
  const subgroups = features.has('subgroups')
  return {
    subgroups,
    subgroupMinSize: subgroups ? (info?.subgroupMinSize ?? 4) : 0,
    subgroupMaxSize: subgroups ? (info?.subgroupMaxSize ?? 128) : 0,
    shaderF16: features.has('shader-f16'),
    timestampQuery: features.has('timestamp-query'),
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    uniformAlignment: limits.minUniformBufferOffsetAlignment,
    storageAlignment: limits.minStorageBufferOffsetAlignment,
    ...(matrixUnits.length > 0 && { matrixUnits }),
  }
}
