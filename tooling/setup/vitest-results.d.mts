/**
 * Counts the tests in what vitest's JSON reporter wrote. A file that does not load has no tests to fail, and neither has
 * an error outside of any test: each counts as one failure, so that nothing broken is reported as passed.
 *
 * @param json  the report, or '' where there is none
 * @param exitCode  vitest's
 */
export declare function countTests(json: string, exitCode: number): { passed: number; failed: number; skipped: number }
