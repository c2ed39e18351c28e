/** Fails in the way that it is told to. */
export default async function fail(way: 'throw' | 'console' | 'unhandled') {
  if (way === 'throw') throw new Error('thrown on purpose')
  if (way === 'console') console.error('logged on purpose')
  if (way === 'unhandled') {
    Promise.reject(new Error('unhandled on purpose'))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return 'done'
}
