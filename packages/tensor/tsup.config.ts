import { library } from '@outrider/build/tsup'

export default library(
  {
    index: 'src/index.ts',
    node: 'src/node.ts',
    'browser-node': 'src/browser-node.ts',
    testing: 'src/testing/index.ts',
  },
  { external: ['webgpu', '@outrider/tensor/node'] },
)
