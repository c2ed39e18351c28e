export { contentHash } from './content-hash'
export type { Directory, FileContent } from './directory'
export { writeFailure } from './file-failures'
export { fileListDirectory } from './file-list-directory'
export { type FilePlace, filePlace } from './file-place'
export { type FileWarning, type OnWarning, warnOfKeys, warnOfUnknownKeys } from './file-warning'
export { type GgufEntry, type GgufFile, openGguf, readGgufFloats } from './gguf/read'
export { handleDirectory, opfsDirectory } from './handle-directory'
export { parseJson, readJson } from './json'
export { type KeepOptions, type KeepProgress, keptDirectory, keptFiles } from './kept-directory'
export { type Lock, type LockPatience, takeLock } from './lock-file'
export { memoryDirectory } from './memory-directory'
export { directory } from './node-directory'
export { readBytes, type TensorPlace } from './read-bytes'
export { dtypeBits, type SafetensorsDtype, type StoredTensor } from './safetensors/dtype'
export { parseSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from './safetensors/header'
export { openSafetensors, readFloats, readSafetensors, readTensor, type SafetensorsFiles } from './safetensors/read'
export { type TensorToWrite, writeSafetensors, writeShardedSafetensors } from './safetensors/write'
export {
  floatsToStored,
  heldDtype,
  storedToFloats,
  type WeightDtype,
  type WritableDtype,
  weightDtype,
} from './stored-floats'
export { urlDirectory } from './url-directory'
export { within } from './within'
