import { afterAll, beforeAll, expect, it } from 'vitest';
import { SideBySide } from './side-by-side.ts';

let world: SideBySide;
beforeAll(async () => {
  world = await SideBySide.open();
});
afterAll(() => world?.close());

it.each([2, 3, 10])(
  'the same bytes, uploaded %i times at once to the local S3 and DynamoDB, run once, and the others join (300 tries: try-side-by-side.ts)',
  async (versions) => {
    for (let tries = 0; tries < Math.ceil(12 / versions); tries += 1)
      expect(await world.try(versions)).toEqual({ run: 1, joined: versions - 1 });
  },
);
