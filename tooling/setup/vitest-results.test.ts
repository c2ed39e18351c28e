import { describe, expect, it } from 'vitest'
import { countTests } from './vitest-results.mjs'

const report = (...files: { status: string; tests: string[] }[]) => {
  const all = files.flatMap(({ tests }) => tests)
  const count = (status: string) => all.filter((test) => test === status).length
  return JSON.stringify({
    numPassedTests: count('passed'),
    numPendingTests: count('skipped'),
    numTodoTests: 0,
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    })),
  })
}

describe('the count of tests', () => {
  it('is that of the report', () => {
    const json = report(
      { status: 'passed', tests: ['passed', 'passed', 'skipped'] },
      { status: 'failed', tests: ['passed', 'failed'] },
    )
    expect(countTests(json, 1)).toEqual({ passed: 3, failed: 1, skipped: 1 })
  })

  it('has a failure for a file that does not load', () => {
    const json = report({ status: 'failed', tests: [] }, { status: 'passed', tests: ['passed'] })
    expect(countTests(json, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('has a failure for an error outside of any test', () => {
    expect(countTests(report({ status: 'passed', tests: ['passed'] }), 1).failed).toBe(1)
  })

  it('has a failure where vitest left no report, or half of one', () => {
    expect(countTests('', 0).failed).toBe(1)
    expect(countTests('{"numPassedTests": 3', 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })
})
