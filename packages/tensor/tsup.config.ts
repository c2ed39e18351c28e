import { library } from '@outrider/build/tsup'

export default library(
  {
    index: 'src/index.ts',
    node: 'src/node/index.ts',
    'browser-node': 'src/browser-node.ts',
    testing: 'src/testing/index.ts',
  },
  {
    // A bundle of declarations keeps no reference of the sources, and TypeScript 5 knows no GPUDevice by itself.
    dts: { banner: '/// <reference types="@webgpu/types" />' },
    external: ['webgpu', /^node:/, '@outrider/tensor/node'],
  },
)
