import { bytesOf, grouped } from '../app/numbers'
import { ScrollArea } from '../controls/index'
import type { InsideState } from '../engine/index'

/** What each stage of work moved, the newest first. */
export function Stages({ entries }: { entries: InsideState['stages'] }) {
  return (
    <section class="card wide" aria-labelledby="stages-title">
      <header class="card-header">
        <h2 id="stages-title">What each stage moved</h2>
      </header>
      {entries.length === 0 ? (
        <p class="quiet">Nothing has been done yet.</p>
      ) : (
        <ScrollArea label="Stages">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Stage</th>
                {columns.map(({ name }) => (
                  <th scope="col" class="numeric" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {entries.map((entry, i) => (
                <tr key={entries.length - i}>
                  <th scope="row">{entry.stage}</th>
                  {columns.map(({ name, of }) => (
                    <td class="numeric" key={name}>
                      {of(entry)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      )}
    </section>
  )
}

type Entry = InsideState['stages'][number]

const columns: { name: string; of: (entry: Entry) => string }[] = [
  { name: 'Seconds', of: ({ seconds }) => seconds.toFixed(2) },
  { name: 'Dispatches', of: ({ moved }) => grouped(moved.dispatches) },
  { name: 'Submissions', of: ({ moved }) => grouped(moved.submits) },
  { name: 'Readbacks', of: ({ moved }) => grouped(moved.readbacks) },
  { name: 'Read back', of: ({ moved }) => bytesOf(moved.bytesRead) },
  { name: 'New pipelines', of: ({ moved }) => grouped(moved.pipelines) },
  { name: 'Peak', of: ({ peakBytes }) => bytesOf(peakBytes) },
]
