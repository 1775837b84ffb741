import type { PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import {
  aKey,
  CONDITION_FAILED,
  CREATE,
  type Item,
  n,
  put,
  REPLACE,
  read,
  runTable,
  s,
} from './dynamodb-table.ts';

runTable();

/*
 * Checks the local DynamoDB against the documentation of condition expressions. Known gap: it accepts an empty string
 * as a key of an index, which DynamoDB rejects. The ledger's keys are never empty.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */

interface ConditionCase {
  readonly when: string;
  /** The attributes of the item before the write, without its key. Undefined for no item. */
  readonly before: Item | undefined;
  readonly condition: string;
  readonly values?: Item;
  readonly holds: boolean;
}

const now = { ':now': n(1_000) };
const seven = { ':version': n(7) };

const CONDITIONS: readonly ConditionCase[] = [
  { when: 'nothing is there', before: undefined, condition: CREATE, values: now, holds: true },
  { when: 'an item exists that never expires', before: {}, condition: CREATE, values: now, holds: false },
  { when: 'it has expired', before: { expiresAt: n(999) }, condition: CREATE, values: now, holds: true },
  { when: 'it expires now', before: { expiresAt: n(1_000) }, condition: CREATE, values: now, holds: true },
  { when: 'it expires later', before: { expiresAt: n(1_001) }, condition: CREATE, values: now, holds: false },
  {
    when: 'numbers of other lengths',
    before: { expiresAt: n(10_000) },
    condition: CREATE,
    values: now,
    holds: false,
  },
  {
    when: 'its expiry is a text',
    before: { expiresAt: s('999') },
    condition: CREATE,
    values: now,
    holds: false,
  },
  {
    when: 'its expiry is null',
    before: { expiresAt: { NULL: true } },
    condition: CREATE,
    values: now,
    holds: false,
  },
  {
    when: 'the version is the same',
    before: { version: n(7) },
    condition: REPLACE,
    values: seven,
    holds: true,
  },
  {
    when: 'it is written differently',
    before: { version: n('7.0') },
    condition: REPLACE,
    values: seven,
    holds: true,
  },
  {
    when: 'the version is another',
    before: { version: n(8) },
    condition: REPLACE,
    values: seven,
    holds: false,
  },
  {
    when: 'the version is a text',
    before: { version: s('7') },
    condition: REPLACE,
    values: seven,
    holds: false,
  },
  { when: 'there is no version', before: {}, condition: REPLACE, values: seven, holds: false },
  { when: 'nothing is there', before: undefined, condition: REPLACE, values: seven, holds: false },
  { when: 'nothing is there', before: undefined, condition: 'attribute_not_exists(pk)', holds: true },
  { when: 'an item is there', before: {}, condition: 'attribute_not_exists(pk)', holds: false },
  { when: 'an item is there', before: {}, condition: 'attribute_exists(pk)', holds: true },
  { when: 'nothing is there', before: undefined, condition: 'attribute_exists(pk)', holds: false },
  {
    when: 'the attribute is null',
    before: { a: { NULL: true } },
    condition: 'attribute_exists(a)',
    holds: true,
  },
  { when: 'the attribute is missing', before: {}, condition: 'attribute_not_exists(a)', holds: true },
  { when: '9 is below 10', before: { a: n(9) }, condition: 'a < :v', values: { ':v': n(10) }, holds: true },
  {
    when: 'as texts it is not',
    before: { a: s('9') },
    condition: 'a < :v',
    values: { ':v': s('10') },
    holds: false,
  },
  { when: 'nothing is compared', before: {}, condition: 'a < :v', values: { ':v': n(10) }, holds: false },
  { when: 'negated', before: {}, condition: 'NOT a < :v', values: { ':v': n(10) }, holds: true },
  {
    when: 'AND binds before OR',
    before: { a: n(1) },
    condition: 'attribute_exists(a) OR attribute_exists(a) AND attribute_exists(b)',
    holds: true,
  },
  {
    when: 'brackets bind first',
    before: { a: n(1) },
    condition: '(attribute_exists(a) OR attribute_exists(a)) AND attribute_exists(b)',
    holds: false,
  },
  {
    when: 'at the ends of a range',
    before: { a: n(5) },
    condition: 'a BETWEEN :v AND :w',
    values: { ':v': n(5), ':w': n(5) },
    holds: true,
  },
  {
    when: 'one of a list',
    before: { a: s('y') },
    condition: 'a IN (:v, :w)',
    values: { ':v': s('x'), ':w': s('y') },
    holds: true,
  },
];

describe('a condition', () => {
  it.each(CONDITIONS)('$condition, when $when: $holds', async ({ before, condition, values, holds }) => {
    const pk = aKey();
    const key = { pk: s(pk), sk: s('META') };
    const former = before === undefined ? undefined : { ...key, ...before, former: s('yes') };
    if (former !== undefined) await put(former);
    const writing = put(
      { ...key, fresh: s('yes') },
      { ConditionExpression: condition, ...(values !== undefined && { ExpressionAttributeValues: values }) },
    );
    if (holds) await writing;
    else await expect(writing).rejects.toMatchObject(CONDITION_FAILED);
    // A write replaces the whole item. A rejected write changes nothing.
    expect(await read(pk)).toEqual(holds ? { ...key, fresh: s('yes') } : former);
  });

  it('applies to the item with that key, not to its partition', async () => {
    const pk = aKey();
    await put({ pk: s(pk), sk: s('PART#1') });
    await put({ pk: s(pk), sk: s('META') }, { ConditionExpression: 'attribute_not_exists(pk)' });
    expect(await read(pk)).toBeDefined();
  });

  it('that only one of many writes can meet lets one succeed', async () => {
    const pk = aKey();
    const key = { pk: s(pk), sk: s('META') };
    await put({ ...key, version: n(7) });
    const writes = Array.from({ length: 10 }, (_, at) =>
      put(
        { ...key, version: n(8), by: n(at) },
        { ConditionExpression: REPLACE, ExpressionAttributeValues: seven },
      ),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(await read(pk)).toMatchObject({ by: n(winner) });
  });
});

describe('a write fails', () => {
  const item = { pk: s('refused'), sk: s('META') };
  it.each<[string, Item, Partial<PutItemCommandInput>]>([
    [
      'a value that no expression uses',
      item,
      { ConditionExpression: CREATE, ExpressionAttributeValues: { ...now, ':more': n(1) } },
    ],
    ['a missing value', item, { ConditionExpression: CREATE }],
    [
      'a reserved word as a name',
      item,
      { ConditionExpression: 'status = :v', ExpressionAttributeValues: { ':v': s('x') } },
    ],
    [
      'a condition that is not an expression',
      item,
      { ConditionExpression: 'version = = :v', ExpressionAttributeValues: { ':v': n(1) } },
    ],
    ['a key that is empty', { ...item, pk: s('') }, {}],
    ['a key of another type', { ...item, pk: n(1) }, {}],
    ['a part of the key', { pk: s('refused') }, {}],
    ['an index key of another type', { ...item, dueShard: s('D#00'), dueAt: s('soon') }, {}],
    ['an invalid number', { ...item, version: n('seven') }, {}],
    ['a number of more than 38 digits', { ...item, version: n('1'.repeat(39)) }, {}],
    ['an item of more than 400 KB', { ...item, item: s('x'.repeat(400 * 1024)) }, {}],
  ])('for %s', async (_, Item, more) => {
    await expect(put(Item, more)).rejects.toMatchObject({ name: 'ValidationException' });
    expect(await read('refused')).toBeUndefined();
  });
});

describe('an item', () => {
  it('is read as it was written, with numbers in their shortest form', async () => {
    const pk = aKey();
    const digits = '12345678901234567890123456789012345678';
    await put({
      pk: s(pk),
      sk: s('META'),
      a: n('1.50'),
      b: n('1e2'),
      c: n('-0'),
      d: n(digits),
      e: s(''),
      f: { BOOL: false },
    });
    expect(await read(pk)).toMatchObject({
      a: n('1.5'),
      b: n(100),
      c: n(0),
      d: n(digits),
      e: s(''),
      f: { BOOL: false },
    });
  });

  it('that is missing is not an error', async () => {
    expect(await read(aKey())).toBeUndefined();
  });
});
