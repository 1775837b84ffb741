import { describe, expect, it } from 'vitest';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import type { RequestFile } from '../../../functions/shared/domain/job.ts';
import { batchMetadata, validateObject } from '../../../functions/shared/request-file/validate-object.ts';
import { aJob } from '../../contracts/samples.ts';

const codes = (differences: Partial<RequestFile>) =>
  validateObject({ ...aJob().request, ...differences }).map(({ code, line }) => [code, line]);

const pairs = (count: number, name = 'n', value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, value]));

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

  it('with several faults gets a finding for each', () => {
    expect(codes({ key: 'a.txt', size: 0, metadata: pairs(11) })).toHaveLength(3);
  });
});

describe('user metadata', () => {
  it('gives the batch what is named batch-…, without that', () => {
    expect(batchMetadata({ 'batch-team': 'search', team: 'x', 'batch-': 'y', 'batch-batch-a': 'z' })).toEqual(
      {
        metadata: { team: 'search', '': 'y', 'batch-a': 'z' },
        rerun: false,
      },
    );
  });

  it.each([
    ['yes', true],
    ['no', false],
    ['', false],
    ['YES', false],
  ])('batch-rerun: "%s" asks for a new run: %s, and is no pair of the batch', (value, rerun) => {
    expect(batchMetadata({ 'batch-rerun': value })).toEqual({ metadata: {}, rerun });
  });
});
