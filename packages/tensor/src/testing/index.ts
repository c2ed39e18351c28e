export { expectAllClose, type Tolerance } from './all-close'
export { checkGradient, type GradientCheckOptions } from './check-gradient'
export { randomWeights } from './random-weights'
export { testDevice } from './test-device'
