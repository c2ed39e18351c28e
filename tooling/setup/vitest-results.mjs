export function countTests(json, exitCode) {
  let counts = { passed: 0, failed: 0, skipped: 0 }
  try {
    const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(json)
    const failed = testResults.map(({ status, assertionResults }) => {
      const failures = assertionResults.filter((test) => test.status === 'failed').length
      return status === 'failed' ? Math.max(failures, 1) : failures
    })
    counts = {
      passed: numPassedTests,
      failed: failed.reduce((sum, count) => sum + count, 0),
      skipped: numPendingTests + numTodoTests,
    }
  } catch {
    // Vitest ended before it could write them; its exit code says so below.
    exitCode ||= 1
  }
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}
