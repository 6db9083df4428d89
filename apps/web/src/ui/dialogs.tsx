/** The dialogs of the app, each loaded apart from the page. */
import { createDialogPart } from '#ui/part'

export const CommandPalette = createDialogPart(async () => (await import('#ui/command-palette')).CommandPalette)
export const SearchPanel = createDialogPart(async () => (await import('#ui/search-panel')).SearchPanel)
export const HistoryDialog = createDialogPart(async () => (await import('#ui/history-dialog')).HistoryDialog)
export const MoveDialog = createDialogPart(async () => (await import('#ui/move-dialog')).MoveDialog)
export const TitleDialog = createDialogPart(async () => (await import('#ui/title-dialog')).TitleDialog)
export const AccountDialog = createDialogPart(async () => (await import('#ui/account-dialog')).AccountDialog)
export const SpaceDialog = createDialogPart(async () => (await import('#ui/space-dialog')).SpaceDialog)
export const TransferDialog = createDialogPart(async () => (await import('#ui/transfer-dialog')).TransferDialog)
export const TrashDialog = createDialogPart(async () => (await import('#ui/trash-dialog')).TrashDialog)
export const ProfilesDialog = createDialogPart(async () => (await import('#ui/profiles/profiles-dialog')).ProfilesDialog)
export const PublishedDialog = createDialogPart(async () => (await import('#ui/diffs/published-dialog')).PublishedDialog)
export const ShortcutsDialog = createDialogPart(async () => (await import('#ui/shortcuts-dialog')).ShortcutsDialog)
