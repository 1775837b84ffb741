/** `npm run docs:flow` draws docs/flow.svg, the picture at the top of the README. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Box {
  x: number;
  y: number;
  width: number;
  title: string;
  /** What the function does, or what the store contains. */
  says: string;
  kind: 'function' | 'store' | 'outside';
}

interface Arrow {
  /** The corners from start to end. */
  points: [number, number][];
  label?: { x: number; y: number; text: string; anchor?: 'start' | 'middle' | 'end' };
}

const [WIDTH, HEIGHT, BOX_HEIGHT] = [980, 500, 58];

const BOXES: Box[] = [
  { x: 20, y: 40, width: 150, title: 'request bucket', says: 'PUT *.jsonl', kind: 'store' },
  { x: 240, y: 40, width: 150, title: 'INTAKE', says: 'checks every row', kind: 'function' },
  { x: 460, y: 40, width: 150, title: 'SUBMIT', says: 'creates batches', kind: 'function' },
  { x: 760, y: 40, width: 200, title: 'OpenAI Batch API', says: 'or a compatible API', kind: 'outside' },
  { x: 350, y: 180, width: 150, title: 'ledger', says: 'DynamoDB', kind: 'store' },
  { x: 620, y: 180, width: 150, title: 'POLL', says: 'every minute', kind: 'function' },
  { x: 20, y: 180, width: 150, title: 'event bus', says: 'every status change', kind: 'store' },
  { x: 620, y: 320, width: 150, title: 'DELIVER', says: 'stores results', kind: 'function' },
  { x: 20, y: 320, width: 150, title: 'cancel queue', says: 'SQS message', kind: 'store' },
  { x: 240, y: 320, width: 150, title: 'CANCEL', says: 'records the cancel', kind: 'function' },
  { x: 20, y: 410, width: 150, title: 'approval queue', says: 'SQS message', kind: 'store' },
  { x: 240, y: 410, width: 150, title: 'APPROVE', says: 'lets a held job go', kind: 'function' },
  { x: 820, y: 320, width: 140, title: 'results bucket', says: 'in input order', kind: 'store' },
];

const ARROWS: Arrow[] = [
  {
    points: [
      [170, 69],
      [240, 69],
    ],
  },
  {
    points: [
      [390, 69],
      [460, 69],
    ],
  },
  {
    points: [
      [610, 69],
      [760, 69],
    ],
    label: { x: 685, y: 60, text: 'POST /batches' },
  },
  {
    points: [
      [315, 98],
      [315, 140],
      [400, 140],
      [400, 180],
    ],
  },
  {
    points: [
      [535, 98],
      [535, 140],
      [450, 140],
      [450, 180],
    ],
  },
  {
    points: [
      [770, 200],
      [860, 200],
      [860, 98],
    ],
    label: { x: 868, y: 160, text: 'GET /batches', anchor: 'start' },
  },
  {
    points: [
      [620, 209],
      [500, 209],
    ],
  },
  {
    points: [
      [350, 209],
      [170, 209],
    ],
    label: { x: 260, y: 200, text: 'EventBridge' },
  },
  {
    points: [
      [695, 238],
      [695, 320],
    ],
    label: { x: 687, y: 284, text: 'batch ended', anchor: 'end' },
  },
  {
    points: [
      [910, 98],
      [910, 280],
      [740, 280],
      [740, 320],
    ],
    label: { x: 902, y: 272, text: 'result files', anchor: 'end' },
  },
  {
    points: [
      [770, 349],
      [820, 349],
    ],
  },
  {
    points: [
      [170, 349],
      [240, 349],
    ],
  },
  {
    points: [
      [390, 349],
      [425, 349],
      [425, 238],
    ],
  },
  {
    points: [
      [170, 439],
      [240, 439],
    ],
  },
  {
    points: [
      [390, 439],
      [455, 439],
      [455, 238],
    ],
  },
];

const STYLE = `
  text { font: 15px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
  .says, .label { font-size: 12.5px; fill: #59636e }
  rect { stroke-width: 1.5; rx: 8 }
  .function { fill: #ddf4ff; stroke: #0969da }
  .store { fill: #f6f8fa; stroke: #818b98 }
  .outside { fill: #fff8c5; stroke: #9a6700 }
  path { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#head) }
  marker path { fill: #59636e; stroke: none; marker-end: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .says, .label { fill: #9198a1 }
    .function { fill: #0c2d6b; stroke: #4493f8 }
    .store { fill: #212830; stroke: #656c76 }
    .outside { fill: #341a00; stroke: #d29922 }
    path { stroke: #9198a1 }
    marker path { fill: #9198a1 }
  }`;

/** Returns the content of docs/flow.svg. */
export function flowPicture(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="S3 starts INTAKE, which checks the file. SUBMIT creates the batches. POLL checks their status every minute. DELIVER stores the results. CANCEL handles cancel requests, and APPROVE lets jobs go that are held. Every status change is published on the event bus.">
<style>${STYLE}
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z"/></marker></defs>
${ARROWS.map(drawArrow).join('\n')}
${BOXES.map(drawBox).join('\n')}
</svg>
`;
}

function drawBox({ x, y, width, title, says, kind }: Box): string {
  const middle = x + width / 2;
  return [
    `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BOX_HEIGHT}"/>`,
    `<text x="${middle}" y="${y + 25}">${title}</text>`,
    `<text class="says" x="${middle}" y="${y + 44}">${says}</text>`,
  ].join('');
}

function drawArrow({ points, label }: Arrow): string {
  const path = `<path d="M${points.map(([x, y]) => `${x} ${y}`).join(' L')}"/>`;
  if (!label) return path;
  const anchor = label.anchor ? ` style="text-anchor:${label.anchor}"` : '';
  return `${path}<text class="label" x="${label.x}" y="${label.y}"${anchor}>${label.text}</text>`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('flow.svg', import.meta.url), flowPicture());
}
