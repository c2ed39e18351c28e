export { tuneKernels } from '@outrider/transformer'
