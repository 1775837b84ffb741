import { describe, expect, it } from 'vitest';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { changePart, takePart } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { withPartLease } from '../../../functions/shared/lifecycle/lease.ts';
import { uploadRows } from '../../../functions/submit/upload-rows.ts';
import { NOON, type PartFields } from '../../contracts/samples.ts';
import { fileOf, SmallWorld, withMethods } from '../small-world.ts';

const INTENT = { id: 'i1', at: NOON };

interface Upload {
  part?: PartFields;
  /** How the API refuses the file. */
  refusal?: Error;
  /** What happens to the part while its rows are uploaded. */
  meanwhile?: (part: Part) => Part | undefined;
}

/** Uploads the rows of a planned part. */
async function uploading({ part: fields = {}, refusal, meanwhile = () => undefined }: Upload) {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  const [ref] = world.parts(jobId);
  if (!ref) throw new Error('there is no part');
  await changePart(
    world.ports,
    ref,
    (part) => ({ ...part, phase: 'uploading', intent: INTENT, ...fields }) as Part,
  );
  const api = withMethods(world.api, {
    async uploadFile(...args) {
      await changePart(world.ports, ref, meanwhile);
      if (refusal) throw refusal;
      return world.api.uploadFile(...args);
    },
  });
  const control = await world.ledger.readControl();
  const deps = { ...world.ports, ...world.deadline(), api, control };
  const inHand = await takePart(deps, ref);
  if (!inHand) throw new Error('the part is gone');
  const isUploaded = await withPartLease(deps, inHand, Number.MAX_SAFE_INTEGER, async (leased) => {
    const answer = await uploadRows(deps, { inHand, leased });
    await inHand.flush().catch(() => undefined);
    return answer;
  });
  return { world, isUploaded, part: world.parts(jobId)[0] };
}

describe('the rows of a part', () => {
  it('are uploaded as one file, which is noted on its intent', async () => {
    const { world, isUploaded, part } = await uploading({ part: { tries: 3 } });
    const [file] = world.api.audit().uploads;
    expect(isUploaded).toBe(true);
    expect(part).toMatchObject({ phase: 'uploaded', tries: 0, intent: { ...INTENT, fileId: file?.fileId } });
    expect(part?.intent?.crc32).toMatch(/^[0-9a-f]{8}$/);
  });

  it.each([
    ['storage', false],
    ['unreachable', false],
    ['token_limit', true],
    ['account', true],
  ] as const)('that met the obstacle %s keep it after the upload: %s', async (reason, isKept) => {
    const obstacle = { for: reason, since: NOON };
    const { part } = await uploading({ part: { obstacle } });
    expect(part?.phase).toBe('uploaded');
    expect(part?.obstacle).toEqual(isKept ? obstacle : undefined);
  });

  it('that the API refuses end their part with its reason', async () => {
    const { isUploaded, part } = await uploading({ refusal: new TerminalError('invalid_file', 'No.') });
    expect(isUploaded).toBe(false);
    expect(part).toMatchObject({
      phase: 'ended',
      ended: { as: 'failed', reason: { code: 'invalid_file', message: 'No.' } },
    });
  });

  it.each<[string, (part: Part) => Part]>([
    ['has another intent', (part) => ({ ...part, intent: { ...INTENT, id: 'i2' } }) as Part],
    [
      'waits',
      (part) =>
        ({
          ...part,
          phase: 'waiting',
          waiting: { for: 'account', since: NOON },
          intent: undefined,
        }) as unknown as Part,
    ],
  ])('that the API refuses do not end a part that by then %s', async (_, meanwhile) => {
    const { part } = await uploading({ refusal: new TerminalError('invalid_file', 'No.'), meanwhile });
    expect(part).not.toHaveProperty('ended');
  });

  it('belong to no other intent that the part has by then', async () => {
    const { part } = await uploading({
      meanwhile: (known) => ({ ...known, intent: { ...INTENT, id: 'i2' } }) as Part,
    });
    expect(part).toMatchObject({ phase: 'uploading', intent: { id: 'i2' } });
    expect(part?.intent).not.toHaveProperty('fileId');
  });
});
