export { Encoder, withoutMerges } from './encoder'
