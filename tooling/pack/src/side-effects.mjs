// Run in a project that has the packages installed: imports what it is told to and prints, as JSON, what that has changed in
// the process beside the modules' own values.
const watched = {
  globalThis,
  'Array.prototype': Array.prototype,
  'Object.prototype': Object.prototype,
  'Promise.prototype': Promise.prototype,
  'String.prototype': String.prototype,
  'process.env': process.env,
}

const look = () => ({
  ...Object.fromEntries(
    Object.entries(watched).map(([name, object]) => [name, Object.getOwnPropertyNames(object).sort().join()]),
  ),
  listeners: process
    .eventNames()
    .map((name) => `${String(name)}: ${process.listenerCount(name)}`)
    .join(),
  exitCode: process.exitCode,
  timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
})

const changes = []
const written = process.stdout.write
process.stdout.write = () => changes.push('something is printed')
for (const specifier of process.argv.slice(2)) {
  const before = look()
  await import(specifier)
  const after = look()
  for (const name of Object.keys(before))
    if (before[name] !== after[name]) changes.push(`${specifier} changes ${name}: ${before[name]} → ${after[name]}`)
}
process.stdout.write = written
console.log(JSON.stringify(changes))
