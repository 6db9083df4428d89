/** Where a device keeps its things: `--home`, else `LOCKSTEP_HOME`, else the platform's folder for application data. */
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Io } from '#io'

export function dataFolder(env: Io['env'], platform: NodeJS.Platform = process.platform, user = homedir()): string {
  const given = (name: string) => {
    const value = env[name]
    // The XDG specification: a relative path is invalid and must be ignored.
    return value !== undefined && isAbsolute(value) ? value : undefined
  }
  if (platform === 'win32') return join(given('LOCALAPPDATA') ?? join(user, 'AppData', 'Local'), 'Lockstep')
  if (platform === 'darwin') return join(user, 'Library', 'Application Support', 'Lockstep')
  return join(given('XDG_DATA_HOME') ?? join(user, '.local', 'share'), 'lockstep')
}

export function homeFolder(option: string | undefined, env: Io['env']): string {
  return resolve(option ?? (env['LOCKSTEP_HOME'] || join(dataFolder(env), 'home')))
}

export function serverFolder(env: Io['env']): string {
  return join(dataFolder(env), 'server')
}
