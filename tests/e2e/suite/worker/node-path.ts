/** Paths as on the machine that runs the browser, where `/` parts them. */
export const join = (...parts: string[]): string => parts.join('/').replace(/\/+/g, '/')
