export { type RecordedTuning, restoreTuning, tuningInUse } from './restore-tuning'
export { type TuneKernelsOptions, tuneKernels, useTuning } from './tune-kernels'
export { type KeptTuning, readTuning, tuningDirectory, writeTuning } from './tuning-file'
