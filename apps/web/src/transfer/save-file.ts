/** Where a file of the app goes: to a place that the person chooses, where the browser has such a dialog; else to its downloads. */

interface FilePicker {
  showSaveFilePicker?(options: { readonly suggestedName: string }): Promise<FileSystemFileHandle>
}

/** What no system takes in a file's name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them
const UNFIT = /[\u0000-\u001f<>:"/\\|?*]/g

const fit = (name: string) => name.replace(UNFIT, '_').replace(/^\.+/, '_')

/** Asked while the person's click is fresh. @returns 'none' where the person chose none */
export async function chooseFile(name: string): Promise<FileSystemFileHandle | 'download' | 'none'> {
  const { showSaveFilePicker } = globalThis as FilePicker
  if (showSaveFilePicker === undefined) return 'download'
  try {
    return await showSaveFilePicker({ suggestedName: fit(name) })
  } catch (error) {
    if ((error as Error).name === 'AbortError') return 'none'
    return 'download'
  }
}

export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = fit(name)
  link.click()
  // The browser reads it after this.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
