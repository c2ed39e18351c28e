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
            <strong>{target.name} is a toy</strong> that shows this at work: {countOf(target.parameters)} parameters,
            and a few hundred words of which each is one token. It knows a small made-up world: eight people (Mira,
            Tomo, Lena, Oskar, Nila, Bruno, Ida and Ravi), their animals, and ten places. Ask it who somebody is, what
            one of them did somewhere, or for a story. Whatever else is asked, it answers in that world's words, and
            makes no sense.
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
