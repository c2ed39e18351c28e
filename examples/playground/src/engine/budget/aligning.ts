/** All of `@outrider/align` that a run needs: it is fetched when a model of the user's is opened, and not before. */
export { align, readOrigin, readPlan, runFolder } from '@outrider/align'
export { following, foundState } from './told'
