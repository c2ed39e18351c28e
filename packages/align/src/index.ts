export { type Ceiling, ceilings } from './look/ceiling'
