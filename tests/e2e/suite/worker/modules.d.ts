/** Modules that `suite/build.ts` makes. */
declare module 'virtual:test-files' {
  /** By path from the root of the repository. */
  export const files: Readonly<Record<string, () => Promise<unknown>>>
}

declare module 'virtual:real-derivation' {
  export * from '@lockstep/crypto/derivation'
}
