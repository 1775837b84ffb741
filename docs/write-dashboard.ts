/**
 * `npm run docs:dashboard` draws docs/dashboard.svg from the template of a Batchdrop with `monitoring: 'full'`: where each graph of
 * the dashboard is, and what it shows. A test compares the picture with the template.
 */
import { writeFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { type Widget, widgetsIn } from '../test/stack/monitoring/dashboard-widgets.ts';
import { synthesize } from '../test/stack/synthesis.ts';
import { at, list } from '../test/stack/template-reading.ts';

const [COLUMN, ROW, GAP, MARGIN] = [42, 31, 6, 12];
const LINE = 13;
const TITLE_LENGTH = 48; // characters that fit into a line of a graph
const [ALARM_COLUMNS, ALARM_WIDTH] = [7, 141];

const STYLE = `
  text { font: 11.5px system-ui, sans-serif; fill: #59636e }
  .title { font-size: 12.5px; font-weight: 600; fill: #1f2328 }
  rect { fill: #f6f8fa; stroke: #818b98; rx: 6 }
  circle { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title { fill: #f0f6fc }
    rect { fill: #212830; stroke: #656c76 }
    circle { fill: #3fb950 }
  }`;

/** Returns the content of docs/dashboard.svg. */
export function dashboardPicture(template: Template): string {
  const widgets = widgetsIn(template);
  const bottom = Math.max(...widgets.map(({ y, height }) => y + height));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN + 2 * MARGIN} ${bottom * ROW + 2 * MARGIN}" role="img" aria-label="The dashboard: ${widgets.map(({ title }) => escaped(title)).join('; ')}.">
<style>${STYLE}
</style>
${widgets.map(drawWidget).join('\n')}
</svg>
`;
}

function drawWidget(widget: Widget): string {
  const x = MARGIN + widget.x * COLUMN;
  const y = MARGIN + widget.y * ROW;
  const [width, height] = [widget.width * COLUMN - GAP, widget.height * ROW - GAP];
  const frame = `<rect x="${x}" y="${y}" width="${width}" height="${height}"/>`;
  const lines = titleLines(widget.title);
  const title = lines.map(
    (text, nth) => `<text class="title" x="${x + 10}" y="${y + 18 + nth * LINE}">${escaped(text)}</text>`,
  );
  const draw = widget.type === 'alarm' ? drawAlarms : drawLabels;
  return [frame, ...title, draw(widget, x + 10, y + 18 + lines.length * LINE)].join('');
}

function titleLines(title: string): string[] {
  const end = title.length > TITLE_LENGTH ? title.lastIndexOf(' ', TITLE_LENGTH) : title.length;
  return [title.slice(0, end), title.slice(end + 1)].filter((line) => line !== '');
}

function drawAlarms({ properties }: Widget, left: number, top: number): string {
  const ids = list(at(properties, 'alarms')).map((arn) => String(arn).replace(/^Alarms/, ''));
  const rows = Math.ceil(ids.length / ALARM_COLUMNS);
  return ids
    .map((id, nth) => {
      const x = left + Math.floor(nth / rows) * ALARM_WIDTH;
      const y = top + 4 + (nth % rows) * LINE;
      return `<circle cx="${x + 4}" cy="${y - 4}" r="3.5"/><text x="${x + 12}" y="${y}">${escaped(id)}</text>`;
    })
    .join('');
}

/** Draws what the lines of a graph show. */
function drawLabels({ properties }: Widget, left: number, top: number): string {
  const labels = list(at(properties, 'metrics')).map((metric) => {
    const [, name, ...rest] = list(metric);
    return String(at(rest.at(-1), 'label') ?? name);
  });
  return labels
    .map((label, nth) => `<text x="${left}" y="${top + 4 + nth * LINE}">${escaped(label)}</text>`)
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

if (import.meta.main) {
  const picture = dashboardPicture(synthesize({ monitoring: 'full', webhook: {}, budget: { perDay: 10 } }));
  writeFileSync(new URL('dashboard.svg', import.meta.url), picture);
}
