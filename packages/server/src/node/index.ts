export { type ListeningOptions, type ListeningServer, startServer } from './start-server'
