import { library } from '@outrider/build/tsup'

export default library(
  {
    index: 'src/index.ts',
    internal: 'src/internal.ts',
    node: 'src/node/index.ts',
    'browser-node': 'src/browser-node.ts',
    testing: 'src/testing/index.ts',
  },
  {
    // Where the types of WebGPU are depends on the compiler's version: the manifest's `imports` say it.
    dts: { banner: "import '#webgpu-types'" },
    external: ['webgpu', /^node:/, '@outrider/tensor/node'],
  },
)
