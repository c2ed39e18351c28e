export function watchProblems(page, { expected, onLog = () => {} } = {}) {
  const problems = []
  page.on('pageerror', (error) => problems.push(error.stack ?? String(error)))
  page.on('crash', () => problems.push('the page crashed'))
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected?.test(message.text())) problems.push(message.text())
    else onLog(message.text())
  })
  return problems
}
