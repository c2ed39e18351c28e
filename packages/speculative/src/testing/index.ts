export { checkVerification, type VerificationCheck } from './check-verification'
