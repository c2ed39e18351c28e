/** Trains a draft for the target in the tab. */
export function Align() {
  return <h2>Align</h2>
}
