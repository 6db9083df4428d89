/** Tables of the Dataans dialect. */
export const DATAANS_TABLES = `
`
