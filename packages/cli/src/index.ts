export { exitCode } from './exit-code'
export { run, type Surroundings } from './run'
