export { expectAllClose, type Tolerance } from './all-close'
export { checkGradient, type GradientCheckOptions } from './check-gradient'
export { testDevice } from './test-device'
