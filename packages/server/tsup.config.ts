import { library } from '@outrider/build/tsup'

export default library({ index: 'src/index.ts', node: 'src/node/index.ts' }, { splitting: true, external: [/^node:/] })
