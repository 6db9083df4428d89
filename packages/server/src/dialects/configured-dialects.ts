/** The dialects that the settings ask for, with what each needs from this machine. */
import { join } from 'node:path'
import { BLOBS_FOLDER, openFolderBlobs } from '#blobs/fs/fs'
import type { ServerConfig } from '#config'
import { createDataans } from '#dialects/dataans/dataans'
import type { CreateDialect } from '#dialects/dialect'
import { createDifflog } from '#dialects/difflog/difflog'

export interface DialectSeams {
  readonly random: (length: number) => Uint8Array
  readonly crashPoint: (name: string) => void
}

export function configuredDialects(config: ServerConfig, { random, crashPoint }: DialectSeams): readonly CreateDialect[] {
  const { data, dialect, allowedOrigin, dataansFileBytes, dataansQuota } = config
  const difflog = () => {
    const { difflogItemBytes: itemBytes, difflogBodyBytes: bodyBytes, difflogQuota: quotaBytes } = config
    const { difflogAttempts: attempts, difflogLockSeconds: lockSeconds } = config
    return createDifflog({
      limits: { itemBytes, bodyBytes, quotaBytes },
      lockout: { attempts, lockSeconds },
      allowedOrigins: allowedOrigin,
    })
  }
  const dataans = () => {
    const blobs = openFolderBlobs({ folder: join(data, BLOBS_FOLDER), crashPoint })
    return createDataans({ blobs, random, fileBytes: dataansFileBytes, quotaBytes: dataansQuota })
  }
  const creators = { dataans, difflog }
  return dialect.map((name) => creators[name]())
}
