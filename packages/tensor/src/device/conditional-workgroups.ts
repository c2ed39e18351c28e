import { defineKernel } from '../kernel/index'
import source from './conditional-workgroups.wgsl'

/** Workgroups of dispatches that run only where a condition holds: as many as they have, or none. */
export const conditionalWorkgroups = defineKernel({ name: 'conditionalWorkgroups', source })
