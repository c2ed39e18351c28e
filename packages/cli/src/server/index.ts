export { type OutriderServer, type ServerOptions, startServer } from './start-server'
