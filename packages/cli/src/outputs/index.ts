export { claimDirectory, claimFile, type Inputs } from './claim'
export type { OutputFile } from './output-file'
export { demoDrafts } from './own-directories'
