export { type RecordedTuning, restoreTuning, tuningInUse } from './restore-tuning'
export { type TunedWork, type TuneKernelsOptions, tunedWorks, tuneKernels } from './tune-kernels'
export { type KeptTuning, readTuning, tuningDirectory, writeTuning } from './tuning-file'
export { useTuning } from './use-tuning'
