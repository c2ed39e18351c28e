export { checkDrafter, type DrafterCheckOptions } from './check-drafter'
export { checkVerification, type VerificationCheck } from './check-verification'
