import { engineState } from '../app/engine'
import { countOf } from '../app/numbers'
import { say } from './conversation'

/** What the bundled model knows to talk about: its world is small. */
const suggestions = [
  'Tell me a story about a fox and a kite.',
  'Tell me about Mira.',
  'What did Bruno do at the market?',
]

/** What is seen before anything was said. */
export function Welcome() {
  const { target } = engineState.value
  return (
    <div class="welcome">
      <h2>A small model rides ahead; the large one checks its words.</h2>
      <p>
        The draft proposes a few tokens, the model reads them all in one pass and keeps those that it could have said
        itself. What comes out is the model's own, word for word. The colours show who wrote what.
      </p>
      {target?.name === 'tiny-chat' && (
        <>
          <p class="toy">
            <strong>{target.name} is a toy</strong>: {countOf(target.parameters).replace(' ', '\u00a0')} parameters and
            fewer than 200 words, each of them one token. Its world is made up: Mira, Tomo, Lena, Oskar, Nila, Bruno,
            Ida and Ravi, their animals, ten places. Ask who somebody is, what they did somewhere, or for a story; the
            rest gets nonsense.
          </p>
          <ul class="suggestions" aria-label="Suggestions">
            {suggestions.map((text) => (
              <li key={text}>
                <button type="button" class="suggestion" onClick={() => void say(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
