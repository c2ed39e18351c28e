export function Inside() {
  return <h2>Look inside</h2>
}
