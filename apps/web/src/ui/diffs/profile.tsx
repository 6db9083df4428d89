/** What diffs are about: who reads them, interests, depth; and the keys of services that write them. */
import { INTERESTS, type ProfileEdit } from '@lockstep/model/profile'
import { useEffect, useId, useState } from 'react'
import { toFailure } from '#link/messages'
import { keepFieldDraft, readFieldDraft } from '#local/field-drafts'
import { t } from '#strings/strings'
import { failureText } from '#text/failure-text'
import { Bar } from '#ui/bar'
import { ApiKeys } from '#ui/diffs/api-keys'
import { Chips } from '#ui/diffs/chips'
import type { PlaceProps } from '#ui/diffs/place-props'
import { useToast } from '#ui/toasts'
import { useAnswer, useVault } from '#ui/vault'

const DEPTHS = ['quick', 'standard', 'deep'] as const

interface KeptFieldProps {
  /** Tells it from other fields. */
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly value: string
  readonly rows?: number
  /** @returns whether it is stored */
  readonly onKeep: (text: string) => Promise<boolean>
}

/**
 * What is typed is kept when the field is left, and with Enter in a field of one line; what could not be, or was typed in a tab that was
 * closed, when the field is next seen.
 */
function KeptField({ name, label, hint, value, rows, onKeep }: KeptFieldProps) {
  const [typed, setTyped] = useState(() => readFieldDraft(name))
  const [stored, setStored] = useState<{ readonly text: string; readonly over: string }>()
  async function keep(): Promise<void> {
    if (typed === undefined) return
    if (typed !== value && !(await onKeep(typed))) return
    // Somebody may have gone on typing.
    if (readFieldDraft(name) === typed) keepFieldDraft(name, undefined)
    setStored({ text: typed, over: value })
  }
  // It is shown until the vault answers with it: what stood there before would come back for a moment, and be typed on.
  useEffect(() => {
    if (stored !== undefined && stored.text === typed && stored.over !== value) setTyped(undefined)
  }, [stored, typed, value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for what was left behind
  useEffect(() => void keep(), [])
  const field = {
    value: typed ?? value,
    placeholder: hint,
    onChange({ target }: { readonly target: { readonly value: string } }) {
      keepFieldDraft(name, target.value)
      setTyped(target.value)
    },
    onBlur: () => void keep(),
  }
  const id = useId()
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      {rows === undefined ? (
        <input {...field} id={id} onKeyDown={({ key }) => key === 'Enter' && void keep()} />
      ) : (
        <textarea {...field} id={id} rows={rows} />
      )}
    </div>
  )
}

export function ProfilePlace({ drawer }: Pick<PlaceProps, 'drawer'>) {
  const vault = useVault()
  const toast = useToast()
  const { value: profile } = useAnswer({ key: 'profile', tables: ['profile', 'apiKeys'], ask: () => vault.profile() })
  const { profile: words } = t.diffs
  const edit = (changes: Omit<ProfileEdit, 'now'>) => attempt(() => vault.editProfile({ ...changes, now: Date.now() }))
  const editKeys = (apiKeys: Readonly<Record<string, string | null>>) =>
    attempt(() => vault.editProfile({ apiKeys, now: Date.now() }), {
      'bad-provider': words.badProvider(Object.keys(apiKeys).join(', ')),
    })
  /** @param told by code, in place of what the model says */
  async function attempt(change: () => Promise<unknown>, told: Readonly<Record<string, string>> = {}): Promise<boolean> {
    try {
      await change()
      return true
    } catch (failure) {
      const { code = '' } = toFailure(failure)
      toast({ text: told[code] ?? failureText(failure) })
      return false
    }
  }
  return (
    <>
      <Bar title={t.diffs.places.profile} drawer={drawer} />
      <section className="screen" aria-label={t.diffs.places.profile}>
        {profile !== undefined && (
          <div className="profile">
            <p className="hint">{words.intro}</p>
            <section aria-label={words.about}>
              <h2>{words.about}</h2>
              <KeptField name="name" label={words.name} value={profile.name} onKeep={(name) => edit({ name: name.trim() })} />
            </section>
            <section aria-label={words.interests}>
              <h2>{words.interests}</h2>
              {INTERESTS.map((interest) => (
                <Chips
                  key={interest}
                  label={words.interest[interest]}
                  items={profile[interest]}
                  onChange={(change) => attempt(() => vault.changeInterest({ interest, ...change, now: Date.now() }))}
                />
              ))}
            </section>
            <section aria-label={words.depth}>
              <h2>{words.depth}</h2>
              <label>
                <span className="sr-only">{words.depth}</span>
                <select value={profile.depth} onChange={({ target }) => void edit({ depth: target.value })}>
                  {DEPTHS.map((depth) => (
                    <option key={depth} value={depth}>
                      {words.depths[depth]}
                    </option>
                  ))}
                  {!DEPTHS.some((depth) => depth === profile.depth) && <option value={profile.depth}>{profile.depth}</option>}
                </select>
              </label>
              <KeptField
                name="custom-focus"
                label={words.customFocus}
                hint={words.customFocusHint}
                rows={4}
                value={profile.customFocus}
                onKeep={(customFocus) => edit({ customFocus })}
              />
            </section>
            <ApiKeys keys={profile.apiKeys} onEdit={editKeys} />
          </div>
        )}
      </section>
    </>
  )
}
