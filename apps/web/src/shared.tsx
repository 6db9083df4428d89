/** The page behind a public link [SHR-1]: for anybody, without the app, its database or an account. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { language } from '#local/language'
import { SharedPage } from '#ui/shared-page'
import './styles/app.css'
import './styles/reading.css'
import './styles/diff-reading.css'
import './styles/shared.css'

document.documentElement.lang = language
createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <SharedPage />
  </StrictMode>,
)
