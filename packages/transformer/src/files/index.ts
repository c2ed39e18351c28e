export { type Directory, type FileContent, parseJson, readJson } from './directory'
export { type GgufEntry, type GgufFile, openGguf, readGgufFloats } from './gguf/read'
export { memoryDirectory } from './memory-directory'
export { directory, nodeModule } from './node-directory'
export {
  bfloatToFloat,
  dtypeBytes,
  floatsToStored,
  halvesToFloat,
  type SafetensorsDtype,
  type StoredTensor,
} from './safetensors/dtype'
export { parseSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from './safetensors/header'
export { openSafetensors, readFloats, readSafetensors, readTensor, type SafetensorsFiles } from './safetensors/read'
export { type TensorToWrite, writeSafetensors, writeShardedSafetensors } from './safetensors/write'
export { urlDirectory } from './url-directory'
export { within } from './within'
