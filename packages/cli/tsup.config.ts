import { library } from '@outrider/build/tsup'

export default library(
  { index: 'src/index.ts', main: 'src/main.ts', 'tiny-chat': 'src/demo/index.ts' },
  { platform: 'node', target: 'node20', splitting: true },
)
