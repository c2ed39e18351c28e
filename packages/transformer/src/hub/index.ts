export { type HubEnvironment, hubEnvironment } from './environment'
export { type DownloadProgress, type HubOptions, hubDirectory } from './hub-directory'
export { parseHubId } from './hub-id'
