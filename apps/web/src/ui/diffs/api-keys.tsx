/** Keys of services: written, replaced and removed here, and never shown. */
import { type FormEvent, useState } from 'react'
import { t } from '#strings/strings'
import { dayName, dayOf } from '#text/days'
import { useToast } from '#ui/toasts'

interface ApiKeysProps {
  readonly keys: readonly { readonly provider: string; readonly updatedAt: number }[]
  /** Provider → key; null removes it. @returns whether it is so now */
  readonly onEdit: (keys: Readonly<Record<string, string | null>>) => Promise<boolean>
}

export function ApiKeys({ keys, onEdit }: ApiKeysProps) {
  const toast = useToast()
  const [replacing, setReplacing] = useState<string>()
  const { profile: words } = t.diffs

  async function save(provider: string, key: string): Promise<boolean> {
    if (!(await onEdit({ [provider]: key }))) return false
    setReplacing(undefined)
    toast({ text: words.keySaved(provider) })
    return true
  }
  async function remove(provider: string): Promise<void> {
    if (await onEdit({ [provider]: null })) toast({ text: words.keyRemoved(provider) })
  }
  return (
    <section className="api-keys" aria-label={words.keys}>
      <h2>{words.keys}</h2>
      <p className="hint">{words.keysText}</p>
      {keys.length === 0 && <p className="hint">{words.noKeys}</p>}
      <ul className="entries">
        {keys.map(({ provider, updatedAt }) => (
          <li key={provider}>
            <span>
              <strong>{provider}</strong>
              <small>{words.setOn(dayName(dayOf(updatedAt), 'medium'))}</small>
            </span>
            {replacing === provider ? (
              <KeyForm provider={provider} onSave={save} />
            ) : (
              <span className="row">
                <button type="button" aria-label={`${words.replaceKey} ${provider}`} onClick={() => setReplacing(provider)}>
                  {words.replaceKey}
                </button>
                <button
                  type="button"
                  className="danger"
                  aria-label={`${words.removeKey} ${provider}`}
                  onClick={() => void remove(provider)}
                >
                  {words.removeKey}
                </button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <KeyForm onSave={save} />
    </section>
  )
}

interface KeyFormProps {
  /** Whose key is replaced; absent: one more. */
  readonly provider?: string
  readonly onSave: (provider: string, key: string) => Promise<boolean>
}

function KeyForm({ provider, onSave }: KeyFormProps) {
  const [name, setName] = useState('')
  const [key, setKey] = useState('')
  const { profile: words } = t.diffs
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!(await onSave(provider ?? name.trim(), key.trim()))) return
    setName('')
    setKey('')
  }
  return (
    <form className="row key-form" onSubmit={(event) => void submit(event)}>
      {provider === undefined && (
        <label>
          {words.provider}
          <input value={name} required autoCapitalize="off" onChange={({ target }) => setName(target.value)} />
        </label>
      )}
      <label>
        {provider === undefined ? words.key : words.newKeyOf(provider)}
        <input
          type="password"
          value={key}
          required
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: it was asked for just now
          autoFocus={provider !== undefined}
          onChange={({ target }) => setKey(target.value)}
        />
      </label>
      <button type="submit">{words.addKey}</button>
    </form>
  )
}
