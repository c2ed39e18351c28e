// TypeScript 5 knows no GPUDevice by itself.
/// <reference types="@webgpu/types" />
