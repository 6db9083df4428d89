/** The language of the interface: each by its own name, so that whoever landed in the wrong one finds theirs. */
import { chooseLanguage, LANGUAGES, type Language, language } from '#local/language'
import { t } from '#strings/strings'
import { useToast } from '#ui/toasts'
import { leavePage } from '#updates/leave-page'

export function LanguageChoice() {
  const toast = useToast()

  async function choose(next: Language): Promise<void> {
    const left = await leavePage(() => {
      chooseLanguage(next)
      location.reload()
    })
    if (!left) toast({ text: t.updates.notStored })
  }
  return (
    <label className="language">
      {t.language}
      <select value={language} onChange={({ target }) => void choose(target.value as Language)}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
