/** In place of the app where a browser would let it store and encrypt nothing: plain HTTP from beyond this machine. */
import { t } from '#strings/strings'

export function InsecurePage() {
  const { title, why, how, ways, cli } = t.insecure
  return (
    <main className="insecure">
      <h1>{title}</h1>
      <p>{why}</p>
      <p>{how}</p>
      <ol>
        {ways.map((way) => (
          <li key={way}>{way}</li>
        ))}
      </ol>
      <p>{cli}</p>
    </main>
  )
}
