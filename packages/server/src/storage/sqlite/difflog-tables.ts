/** Tables of the diff·log dialect. */
export const DIFFLOG_TABLES = `
`
