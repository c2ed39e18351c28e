export { logLine, type RequestLogEntry } from '../operators/request-log'
export { type ListeningOptions, type ListeningServer, startServer } from './start-server'
