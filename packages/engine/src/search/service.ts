/** Search as a vault uses it: an index somewhere that is told when to look. Platforms decide where it lives and who indexes. */
import type { Schema, Table } from '#schema'
import type { SearchRequest, SearchResult, SearchSource } from '#search/search-index'
import { rowsTable } from '#tables'

export interface SearchService {
  query(request: SearchRequest): SearchResult
  /** Searchable tables were written; cheap, called after each commit. */
  changed(): void
  /** The last change that the index knows: what is before it in the change log can go. */
  indexedThrough(): number
  /** What is wrong with the index, undefined where nothing is; with `heal` a damaged one has been made anew. Absent: cannot be told. */
  check?(options: { readonly heal: boolean }): Promise<string | undefined>
  close(): Promise<void>
}

export type OpenSearch = (source: SearchSource) => SearchService

/** What is to be indexed of a vault. `identity` changes when the database becomes another one. */
export function searchSource(schema: Schema, identity: string): SearchSource {
  const searchable = (entry: [string, Table]) => (entry[1].options.search ?? []).length > 0
  return {
    identity,
    tables: Object.entries(schema.tables)
      .filter(searchable)
      .map(([name, { options }]) => ({ table: rowsTable(name), columns: options.search ?? [], visible: name })),
  }
}
