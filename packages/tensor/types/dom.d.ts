// The DOM of TypeScript 6 declares WebGPU itself, and otherwise than @webgpu/types.
/// <reference lib="dom" />
