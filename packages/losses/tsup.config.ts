import { library } from '@outrider/build/tsup'

export default library({ index: 'src/index.ts', typed: 'src/typed/index.ts', testing: 'src/testing/index.ts' })
