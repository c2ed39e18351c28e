import { library } from '@outrider/build/tsup'

export default library(
  { index: 'src/index.ts', node: 'src/node/index.ts' },
  // What tests of the server call and users do not is marked internal.
  { splitting: true, external: [/^node:/], dts: { compilerOptions: { stripInternal: true } } },
)
