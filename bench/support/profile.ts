/** `BENCH_PROFILE=1` writes a processor profile of each measured sync into the current folder, to be opened in a browser's developer tools. */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

export async function profiled<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (process.env['BENCH_PROFILE'] === undefined) return work()
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 500 })
  await session.post('Profiler.start')
  try {
    return await work()
  } finally {
    const { profile } = await session.post('Profiler.stop')
    writeFileSync(`${name}-${process.pid}.cpuprofile`, JSON.stringify(profile))
    session.disconnect()
  }
}
