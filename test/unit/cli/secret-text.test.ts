import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readSecretText } from '../../../bin/operations/key/secret-text.ts';

/** A terminal on which a person types, as readline sees it. */
function terminal(): PassThrough & { isTTY: true; setRawMode: (on: boolean) => void; rawModes: boolean[] } {
  const rawModes: boolean[] = [];
  return Object.assign(new PassThrough(), {
    isTTY: true as const,
    rawModes,
    setRawMode: (on: boolean) => {
      rawModes.push(on);
    },
  });
}

describe('a secret text', () => {
  it('that is typed is not shown, and its terminal is put back', async () => {
    const [input, output] = [terminal(), new PassThrough()];
    const reading = readSecretText('Key: ', { input, output });
    output.once('data', () => input.write('sk-typed\r'));
    expect(await reading).toBe('sk-typed');
    output.end();
    expect(await text(output)).not.toContain('sk-');
    expect(input.rawModes).toContain(true);
    expect(input.rawModes.at(-1)).toBe(false);
  });

  it('that is piped is read to its end, without the end of the line', async () => {
    const input = new PassThrough();
    const reading = readSecretText('Key: ', { input, output: new PassThrough() });
    input.write('{"apiKey":');
    input.end('"sk-piped"}\n');
    expect(await reading).toBe('{"apiKey":"sk-piped"}');
  });

  it.each([
    ['nothing', '\n', 'no key was given'],
    ['more than a secret can hold', 'x'.repeat(65_537), 'more than 64 KB'],
  ])('is refused if it is %s', async (_, piped, sentence) => {
    const input = new PassThrough();
    input.end(piped);
    await expect(readSecretText('Key: ', { input, output: new PassThrough() })).rejects.toThrow(sentence);
  });
});
