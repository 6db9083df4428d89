/**
 * `node tools/icons.ts`: draws the app's icons (apps/web/public/icon-….png) by the shapes of icon.svg. Phones and their launchers
 * take no SVG. Without arguments, offline, the same bytes each time.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { ROOT } from './files.ts'

type Point = readonly [number, number]
type Colour = readonly [number, number, number]

/** The drawing's own units: a square of this side, as in icon.svg. */
const SIDE = 32
const RADIUS = 8
const STROKE = 3
const PAPER: Colour = [0x0f, 0x76, 0x6e]
const STROKES: readonly { readonly points: readonly Point[]; readonly colour: Colour }[] = [
  {
    points: [
      [9, 8],
      [9, 24],
      [16, 24],
    ],
    colour: [0xff, 0xff, 0xff],
  },
  {
    points: [
      [16, 8],
      [16, 17],
      [23, 17],
    ],
    colour: [0x99, 0xf6, 0xe4],
  },
]

interface Icon {
  readonly name: string
  /** Pixels. */
  readonly size: number
  /** Without corners of its own: who shows it cuts it to a shape, at most to the circle that fits in. The drawing is this much smaller. */
  readonly bleed?: number
}

const ICONS: readonly Icon[] = [
  { name: 'icon-192.png', size: 192 },
  { name: 'icon-512.png', size: 512 },
  { name: 'icon-maskable-512.png', size: 512, bleed: 0.82 },
  { name: 'icon-touch-180.png', size: 180, bleed: 0.9 },
]

function distanceToSegment([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay]
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}

function distanceToLine(point: Point, points: readonly Point[]): number {
  return Math.min(...points.slice(1).map((end, index) => distanceToSegment(point, points[index] as Point, end)))
}

/** Negative inside. */
function distanceToRoundedSquare([x, y]: Point): number {
  const outside = (at: number) => Math.abs(at - SIDE / 2) - (SIDE / 2 - RADIUS)
  const [dx, dy] = [outside(x), outside(y)]
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - RADIUS
}

/** Red, green, blue and opacity of each pixel, row by row, each row after PNG's filter byte 0. */
function draw({ size, bleed }: Icon): Uint8Array {
  const scale = (size / SIDE) * (bleed ?? 1)
  const rows = new Uint8Array(size * (1 + size * 4))
  /** How much of a pixel lies inside, where `distance` is in the drawing's units. */
  const coverage = (distance: number) => Math.min(1, Math.max(0, 0.5 - distance * scale))
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const unit = (pixel: number) => (pixel + 0.5 - size / 2) / scale + SIDE / 2
      const point: Point = [unit(column), unit(row)]
      let colour = PAPER
      for (const stroke of STROKES) {
        const ink = coverage(distanceToLine(point, stroke.points) - STROKE / 2)
        colour = colour.map((part, index) => part + ((stroke.colour[index] as number) - part) * ink) as unknown as Colour
      }
      const opacity = bleed === undefined ? coverage(distanceToRoundedSquare(point)) : 1
      rows.set([...colour.map(Math.round), Math.round(opacity * 255)], row * (1 + size * 4) + 1 + column * 4)
    }
  }
  return rows
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  body.copy(frame, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

function png(icon: Icon): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(icon.size, 0)
  header.writeUInt32BE(icon.size, 4)
  // Eight bits for each of red, green, blue and opacity.
  header.set([8, 6], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(draw(icon), { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ])
}

for (const icon of ICONS) writeFileSync(join(ROOT, 'apps/web/public', icon.name), png(icon))
