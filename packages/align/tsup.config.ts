import { library } from '@outrider/build/tsup'

export default library({ index: 'src/index.ts' })
