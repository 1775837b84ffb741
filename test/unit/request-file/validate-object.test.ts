import { describe, expect, it } from 'vitest';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import type { RequestFile } from '../../../functions/shared/domain/job.ts';
import { instructionsIn } from '../../../functions/shared/request-file/instructions.ts';
import { readUserMetadata, validateObject } from '../../../functions/shared/request-file/validate-object.ts';
import { aJob } from '../../contracts/samples.ts';

const codes = (differences: Partial<RequestFile>) =>
  validateObject({ ...aJob().request, ...differences }).map(({ code, line }) => [code, line]);

const pairs = (count: number, name = 'n', value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, value]));

const KNOWN = 'batchdrop-rerun, batchdrop-hold, batchdrop-priority, batchdrop-max-cost, batchdrop-format';

describe('an object', () => {
  it.each([
    [0, [['empty_file', null]]],
    [1, []],
    [FILE_LIMITS.bytes, []],
    [FILE_LIMITS.bytes + 1, [['file_too_large', null]]],
  ])('of %d bytes', (size, expected) => {
    expect(codes({ size })).toEqual(expected);
  });

  it.each([
    ['ten pairs', pairs(10), 0],
    ['eleven pairs', pairs(11), 1],
    ['a name of 64 characters', { ['n'.repeat(64)]: 'v' }, 0],
    ['a name of 65 characters', { ['n'.repeat(65)]: 'v' }, 1],
    ['an empty name', { '': 'v' }, 1],
    ['a value of 512 characters', { n: 'v'.repeat(512) }, 0],
    ['a value of 513 characters', { n: 'v'.repeat(513) }, 1],
    ['an empty value', { n: '' }, 0],
    ['several faults at once', { ...pairs(10), ['n'.repeat(65)]: 'v'.repeat(513) }, 3],
  ])('with metadata of %s', (_, metadata, expected) => {
    expect(codes({ metadata })).toHaveLength(expected);
  });

  it('with a name or value that is too long gets a finding that begins with the name', () => {
    const name = `${'n'.repeat(64)}x`;
    const findings = validateObject({
      ...aJob().request,
      metadata: { [name]: 'v'.repeat(513), short: 'v'.repeat(513) },
    });
    expect(findings.map(({ message }) => message)).toEqual([
      `metadata "${'n'.repeat(64)}": a name has 1 to 64 characters`,
      `metadata "${'n'.repeat(64)}": a value has at most 512 characters`,
      'metadata "short": a value has at most 512 characters',
    ]);
  });

  it('with several faults gets a finding for each', () => {
    expect(codes({ key: 'a.txt', size: 0, metadata: pairs(11) })).toHaveLength(3);
  });
});

describe('user metadata', () => {
  it('is split into tags (batch-…) and instructions (batchdrop-…); other pairs are ignored', () => {
    const given = { 'batch-team': 'search', team: 'x', 'batch-': 'y', 'batch-batch-a': 'z', batchdrop: 'no' };
    expect(readUserMetadata({ ...given, 'batchdrop-rerun': 'yes', 'batchdrop-': '' })).toEqual({
      metadata: { team: 'search', '': 'y', 'batch-a': 'z' },
      instructions: { rerun: 'yes', '': '' },
    });
  });

  it('batch-rerun and batch-drop-rerun are tags like any other', () => {
    const { metadata, instructions } = readUserMetadata({ 'batch-rerun': 'yes', 'batch-drop-rerun': 'yes' });
    expect(metadata).toEqual({ rerun: 'yes', 'drop-rerun': 'yes' });
    expect(instructionsIn(instructions)).toEqual({ rerun: false, hold: false, priority: 'normal' });
  });
});

describe('instructions', () => {
  const findingsOn = (instructions: Record<string, string>) =>
    validateObject({ ...aJob().request, instructions });

  it.each([
    ['yes', true],
    ['no', false],
  ])('batchdrop-rerun: %s requests a new run: %s', (value, rerun) => {
    expect(findingsOn({ rerun: value })).toEqual([]);
    expect(instructionsIn({ rerun: value })).toMatchObject({ rerun });
  });

  it.each(['maybe', '', 'YES', 'true', ' yes'])('batchdrop-rerun: "%s" is rejected', (value) => {
    expect(findingsOn({ rerun: value })).toEqual([
      {
        line: null,
        code: 'invalid_instruction',
        message: `instruction batchdrop-rerun is "${value}"; set yes or no`,
      },
    ]);
    expect(instructionsIn({ rerun: value })).toMatchObject({ rerun: false });
  });

  it.each(['high', 'normal', 'low'])('batchdrop-priority: %s is the priority', (priority) => {
    expect(findingsOn({ priority })).toEqual([]);
    expect(instructionsIn({ priority })).toMatchObject({ priority });
  });

  it.each(['urgent', '', 'HIGH', '1'])('batchdrop-priority: "%s" is rejected', (value) => {
    expect(findingsOn({ priority: value })).toEqual([
      {
        line: null,
        code: 'invalid_instruction',
        message: `instruction batchdrop-priority is "${value}"; set high, normal or low`,
      },
    ]);
  });

  it.each([
    ['rerrun', 'unknown instruction x-amz-meta-batchdrop-rerrun; did you mean batchdrop-rerun?'],
    ['re-run', 'unknown instruction x-amz-meta-batchdrop-re-run; did you mean batchdrop-rerun?'],
    ['rerunn', 'unknown instruction x-amz-meta-batchdrop-rerunn; did you mean batchdrop-rerun?'],
    ['proirity', 'unknown instruction x-amz-meta-batchdrop-proirity; did you mean batchdrop-priority?'],
    ['holdd', 'unknown instruction x-amz-meta-batchdrop-holdd; did you mean batchdrop-hold?'],
    ['hld', 'unknown instruction x-amz-meta-batchdrop-hld; did you mean batchdrop-hold?'],
    ['halt', `unknown instruction x-amz-meta-batchdrop-halt; the known ones are ${KNOWN}`],
    ['forma', 'unknown instruction x-amz-meta-batchdrop-forma; did you mean batchdrop-format?'],
    ['max_cost', 'unknown instruction x-amz-meta-batchdrop-max_cost; did you mean batchdrop-max-cost?'],
    ['xymax-cost', 'unknown instruction x-amz-meta-batchdrop-xymax-cost; did you mean batchdrop-max-cost?'],
    ['retry-off', `unknown instruction x-amz-meta-batchdrop-retry-off; the known ones are ${KNOWN}`],
    ['urgent', `unknown instruction x-amz-meta-batchdrop-urgent; the known ones are ${KNOWN}`],
    ['', `unknown instruction x-amz-meta-batchdrop-; the known ones are ${KNOWN}`],
    ['__proto__', `unknown instruction x-amz-meta-batchdrop-__proto__; the known ones are ${KNOWN}`],
    ['toString', `unknown instruction x-amz-meta-batchdrop-toString; the known ones are ${KNOWN}`],
  ])('batchdrop-%s is unknown, and rejected whatever its value', (name, message) => {
    for (const value of ['yes', '']) {
      const given = Object.fromEntries([[name, value]]);
      expect(findingsOn(given)).toEqual([{ line: null, code: 'unknown_instruction', message }]);
    }
  });

  it('of any length give one finding each, of bounded length', () => {
    const findings = findingsOn({ rerun: 'x'.repeat(1900), ['y'.repeat(1900)]: 'z'.repeat(1900) });
    expect(findings).toHaveLength(2);
    for (const { message } of findings) expect(message.length).toBeLessThan(134 + KNOWN.length);
  });
});
