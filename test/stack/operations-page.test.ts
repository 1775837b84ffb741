import { readFileSync } from 'node:fs';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { METRIC_UNITS } from '../../functions/shared/contract/metrics.ts';
import type { Batchdrop } from '../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../lib/batchdrop-props.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { synthesize } from './synthesis.ts';
import { at, resources } from './template-reading.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Returns the text under each heading of one depth, up to the next heading of that depth or above. */
function sections(text: string, depth: number): Map<string, string> {
  const pieces = text.split(new RegExp(`^#{${depth}} `, 'm')).slice(1);
  return new Map(
    pieces.map((piece) => {
      const [heading = '', ...rest] = piece.split('\n');
      return [heading, rest.join('\n').split(new RegExp(`^#{1,${depth}} `, 'm'))[0] ?? ''];
    }),
  );
}

/** Returns the anchors of the headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

const alarmsPart = sections(page, 2).get('Alarms') ?? '';
const runbook = sections(alarmsPart, 3);
const EVERYTHING = { webhook: {}, budget: { perDay: 10 } };

const waitsForAJob = (batchdrop: Batchdrop, stack: Stack) =>
  batchdrop.startAndWait(stack, 'Run', {
    sourceBuckets: [Bucket.fromBucketName(stack, 'Source', 'their-files')],
    timeout: Duration.days(4),
  });

/** Returns the description of each alarm, by its id. */
const descriptionsOf = (props: BatchdropProps, use?: typeof waitsForAJob) =>
  new Map(
    resources(synthesize(props, use), 'AWS::CloudWatch::Alarm').map(({ id, Properties }) => [
      id.replace(/^Alarms/, ''),
      String(at(Properties, 'AlarmDescription')),
    ]),
  );
const basic = descriptionsOf(EVERYTHING, waitsForAJob);
const alarms = [...descriptionsOf({ ...EVERYTHING, monitoring: 'full' }, waitsForAJob)].map(
  ([name, description]) => ({
    name,
    description,
    severity: /\. Severity: (page|ticket)\. /.exec(description)?.[1],
    tier: basic.has(name) ? 'basic' : 'full',
  }),
);

describe('docs/operations.md', () => {
  it('has one section for each alarm', () => {
    expect(alarms.length).toBeGreaterThan(20);
    expect([...runbook.keys()].sort()).toEqual(alarms.map(({ name }) => name).sort());
  });

  it.each(alarms)('gives the severity and the tier of $name', ({ name, severity, tier }) => {
    expect(severity).toBeDefined();
    expect(runbook.get(name)).toMatch(new RegExp(`^\n+Severity: ${severity}\\. Tier: ${tier}\\.\n`));
  });

  it.each(alarms)(
    'gives meaning, impact, investigation and resolution of $name, in this order',
    ({ name }) => {
      const labels = [...(runbook.get(name) ?? '').matchAll(/^- \*\*(.*?):\*\* \S.{5}/gm)].map(
        ([, label]) => label,
      );
      expect(labels).toEqual(['Meaning', 'Impact', 'Investigation', 'Resolution']);
    },
  );

  it('is linked from the description of each alarm, at its section and in this version', () => {
    const anchors = new Set(anchorsOf(page));
    for (const { name, description } of alarms) {
      const [, link = ''] = / Runbook: (\S+)$/.exec(description) ?? [];
      const { hash } = new URL(link);
      const [repository, path] = link.replace(hash, '').split(`/blob/v${packageJson.version}/`);
      expect(packageJson.repository.url).toBe(`git+${repository}.git`);
      expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(page);
      expect(hash).toBe(`#${name.toLowerCase()}`);
      expect(anchors).toContain(hash.slice(1));
      expect(description.length, name).toBeLessThanOrEqual(1024); // CloudWatch's limit
    }
    expect(new Set(alarms.map(({ description }) => description)).size).toBe(alarms.length);
  });

  it('lists the alarms by severity and tier', () => {
    const rows = [...alarmsPart.matchAll(/^\| `(page|ticket)` \| (.*) \| (.*) \|$/gm)];
    expect(rows).toHaveLength(2);
    for (const [, severity, ...cells] of rows) {
      const [inBasic, onlyFull] = cells.map((cell) =>
        [...cell.matchAll(/\[(\w+)\]/g)].map(([, name]) => name).sort(),
      );
      const of = (tier: string) =>
        alarms
          .filter((one) => one.severity === severity && one.tier === tier)
          .map(({ name }) => name)
          .sort();
      expect(inBasic).toEqual(of('basic'));
      expect(onlyFull).toEqual(of('full'));
    }
  });

  it('counts the alarms of each tier', () => {
    expect(alarmsPart).toContain(`| \`basic\`, the default | ${basic.size}:`);
    const full = descriptionsOf({ monitoring: 'full' });
    expect(alarmsPart).toContain(
      `| \`full\` | ${full.size}, three more with \`webhook\`, three more with \`budget\`, and one more with \`startAndWait\` |`,
    );
    expect(alarms).toHaveLength(full.size + 3 + 3 + 1);
  });

  it('lists every metric', () => {
    const table = sections(page, 2).get('Metrics') ?? '';
    const cells = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, names = '']) => names);
    const named = cells.flatMap((names) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect(named.sort()).toEqual(Object.keys(METRIC_UNITS).sort());
  });

  it('has no broken link to a section', () => {
    const anchors = anchorsOf(page);
    const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });
});
