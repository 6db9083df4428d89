import { askNode } from './ask-node.ts'

export const tmpdir = (): string => askNode('os.tmpdir') as string
