/** Squares numbers in a compute shader: the least that shows WebGPU at work in the page. */
export default async function squares(numbers: number[]) {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error('no WebGPU adapter')
  const device = await adapter.requestDevice()
  const code = `
    @group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&x)) { x[id.x] *= x[id.x]; }
    }`
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  })
  const size = numbers.length * 4
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size, usage })
  device.queue.writeBuffer(buffer, 0, new Float32Array(numbers))
  const result = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }),
  )
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64))
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, result, 0, size)
  device.queue.submit([encoder.finish()])
  await result.mapAsync(GPUMapMode.READ)
  const squared = [...new Float32Array(result.getMappedRange())]
  device.destroy()
  return { squared, architecture: adapter.info.architecture, isolated: globalThis.crossOriginIsolated }
}
