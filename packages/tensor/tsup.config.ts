import { library } from '@outrider/build/tsup'

export default library(
  { index: 'src/index.ts', node: 'src/node.ts', testing: 'src/testing/index.ts' },
  { external: ['webgpu'] },
)
