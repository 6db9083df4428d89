/** A passphrase, with help word by word: what is typed wrong is said before minutes are lost on a wrong key. */
import { useId, useState } from 'react'
import { asTyped, type PassphraseAdvice, passphraseHelp, replaceWord } from '#account/passphrase-help'
import { t } from '#strings/strings'

interface PassphraseFieldProps {
  readonly name: string
  readonly hint: string
  /** Somebody's own: there is nothing to help with. */
  readonly own?: boolean
  /** It stands there already. */
  readonly given?: string | undefined
}

/** What a form got from a {@link PassphraseField}. */
export const passphraseIn = (form: FormData, name: string): string => asTyped(String(form.get(name) ?? ''))

export function PassphraseField({ name, hint, own = false, given = '' }: PassphraseFieldProps) {
  const id = useId()
  const [text, setText] = useState(given)
  const { advice, offers, replaces } = passphraseHelp(text)
  const warns = advice.kind === 'unknown' || advice.kind === 'count' || advice.kind === 'checksum'
  return (
    <div className="field">
      <label htmlFor={id}>{t.account.passphrase}</label>
      <textarea
        id={id}
        name={name}
        rows={3}
        required
        value={text}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-describedby={`${id}-help`}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
          event.preventDefault()
          event.currentTarget.form?.requestSubmit()
        }}
      />
      <p id={`${id}-help`} className={warns && !own ? 'help warns' : 'help'} aria-live={warns ? 'polite' : 'off'}>
        {own || advice.kind === 'empty' ? hint : adviceText(advice)}
      </p>
      {!own && (
        <fieldset className="offers" aria-label={t.account.help.offers}>
          {offers.map((word) => (
            <button
              key={word}
              type="button"
              onClick={() => {
                setText(replaceWord(text, replaces, word))
                document.getElementById(id)?.focus()
              }}
            >
              {word}
            </button>
          ))}
        </fieldset>
      )}
    </div>
  )
}

function adviceText(advice: PassphraseAdvice): string {
  const h = t.account.help
  switch (advice.kind) {
    case 'empty':
      return h.empty
    case 'typing':
      return h.typing(advice.count, advice.of)
    case 'unknown':
      return h.unknown(advice.position, advice.word)
    case 'count':
      return h.count(advice.count, advice.of)
    case 'good':
    case 'checksum':
    case 'own':
      return h[advice.kind]
  }
}
