export { findDraft } from './find-draft'
