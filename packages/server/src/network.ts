/**
 * Which network a request comes from [KEY-10]: an IPv4 /24 or an IPv6 /56, the smallest piece one party usually holds.
 *
 * The address is the peer's. Only where the peer is a trusted proxy is `X-Forwarded-For` looked at, from its end: each
 * proxy appends the address it saw, so the last one that is not itself a trusted proxy is the client, and whatever the
 * client wrote in front of it is never reached.
 */
import { BlockList, isIP, isIPv4 } from 'node:net'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** An address without port, brackets and zone; IPv4-mapped IPv6 as IPv4. Undefined when it is no address. */
export function normaliseAddress(text: string): string | undefined {
  let address = text.trim()
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)
  if (bracketed?.[1] !== undefined) address = bracketed[1]
  else if (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(address)) address = address.slice(0, address.indexOf(':'))
  const zone = address.indexOf('%')
  if (zone !== -1) address = address.slice(0, zone)
  address = MAPPED_IPV4.exec(address)?.[1] ?? address
  return isIP(address) === 0 ? undefined : address.toLowerCase()
}

/** The first 56 bits of a valid IPv6 address, as text that is the same for each way to write it. */
function ipv6Network(address: string): string {
  const [left = '', right] = address.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const head = groups(left)
  // An embedded IPv4 tail counts as two groups; it never reaches into the first 56 bits.
  const tail = groups(right ?? '').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
  const full = right === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail]
  const words = full.slice(0, 4).map((group) => Number.parseInt(group, 16))
  words[3] = (words[3] ?? 0) & 0xff00
  return `${words.map((word) => word.toString(16)).join(':')}::/56`
}

/** @param address as `normaliseAddress` returns it. */
export function networkOf(address: string): string {
  return isIPv4(address) ? `${address.slice(0, address.lastIndexOf('.'))}.0/24` : ipv6Network(address)
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

/** A host name or address that leads to this machine and no other. */
export function isLocalHost(host: string): boolean {
  const address = normaliseAddress(host)
  return host === 'localhost' || (address !== undefined && isLoopback(address))
}

export interface Reach {
  readonly host: string
  readonly publicUrl?: string | undefined
  readonly trustedProxy: readonly string[]
}

/** Somebody else than the people of this machine can reach the server: directly, or by a proxy in front of it. */
export function isBeyondLoopback({ host, publicUrl, trustedProxy }: Reach): boolean {
  return !isLocalHost(host) || trustedProxy.length > 0 || (publicUrl !== undefined && !isLocalHost(new URL(publicUrl).hostname))
}

export interface Client {
  readonly address: string
  readonly network: string
  /** The request was made on this machine and no proxy says that it passes on somebody else's. */
  readonly local: boolean
}

/** Addresses and prefixes as given to `--trusted-proxy`. */
export interface TrustedProxies {
  has(address: string): boolean
}

/** @throws RangeError for a text that is no address and no prefix. */
export function parseTrustedProxies(cidrs: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [text = '', length] = cidr.split('/')
    const address = normaliseAddress(text)
    if (address === undefined) throw new RangeError(`${cidr} is not an address or an address/length`)
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    const bits = family === 'ipv4' ? 32 : 128
    const prefix = length === undefined ? bits : Number(length)
    if (!/^\d*$/.test(length ?? '') || length === '' || prefix > bits) {
      throw new RangeError(`${cidr}: the prefix length must be 0 to ${bits}`)
    }
    list.addSubnet(address, prefix, family)
  }
  return { has: (address) => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') }
}

/**
 * @param peer the other end of the connection, '' when unknown (then it is treated as one network of its own)
 * @param forwardedFor the `X-Forwarded-For` header, all its lines joined with commas
 */
export function identifyClient(peer: string, forwardedFor: string | undefined, proxies: TrustedProxies): Client {
  let address = normaliseAddress(peer)
  if (address === undefined) return { address: '', network: 'unknown', local: false }
  if (forwardedFor !== undefined) {
    const hops = forwardedFor.split(',')
    while (proxies.has(address) && hops.length > 0) {
      const hop = normaliseAddress(hops.pop() as string)
      // What a proxy says must be an address; if it is not, the proxy itself is what is known.
      if (hop === undefined) break
      address = hop
    }
  }
  return { address, network: networkOf(address), local: isLoopback(address) && forwardedFor === undefined }
}
