import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sha256 } from '../../functions/shared/adapters/aws/sha256.ts';

const texts = fc.string({ unit: 'binary', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 200 });
/** Bytes that are a part of a larger buffer. */
const views = bytes.map((given) => new Uint8Array([0, ...given, 0]).subarray(1, given.length + 1));
const secrets = fc.option(fc.oneof(texts, bytes, views), { nil: undefined });

describe('the hash of the signer', () => {
  it('is that of the SDK, with each kind of secret, also once more and after a reset', async () => {
    const digest = async (hash: Sha256 | Hash, data: Uint8Array[]) => {
      for (const piece of data) hash.update(piece);
      return Buffer.from(await hash.digest()).toString('hex');
    };
    await fc.assert(
      fc.asyncProperty(secrets, fc.array(fc.oneof(bytes, views), { maxLength: 3 }), async (secret, data) => {
        const expected = await digest(new Hash('sha256', secret), data);
        const ours = new Sha256(secret);
        expect(await digest(ours, data)).toBe(expected);
        ours.reset();
        expect(await digest(ours, data)).toBe(expected);
        expect(await digest(new Sha256(secret), data)).toBe(expected);
      }),
    );
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    expect(await digest(new Sha256(buffer), [])).toBe(await digest(new Hash('sha256', buffer), []));
  });

  it('makes the same signatures', async () => {
    const request = new HttpRequest({
      ...{ method: 'PUT', protocol: 'https:', hostname: 'results.s3.us-east-1.amazonaws.com' },
      ...{ path: '/a ü/b', query: { 'x-id': 'PutObject' }, headers: { host: 'x' }, body: 'text' },
    });
    const signed = async (sha256: typeof Sha256 | (new (secret?: never) => Hash)) => {
      const signer = new SignatureV4({
        ...{ service: 's3', region: 'us-east-1', sha256: sha256 as typeof Sha256 },
        credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      });
      const { headers } = await signer.sign(request, { signingDate: new Date('2026-11-30T12:00:00Z') });
      return headers.authorization;
    };
    class OfTheSdk extends Hash {
      constructor(secret?: ConstructorParameters<typeof Hash>[1]) {
        super('sha256', secret);
      }
    }
    const signature = await signed(Sha256);
    expect(signature).toMatch(/Signature=[0-9a-f]{64}$/);
    expect(signature).toBe(await signed(OfTheSdk));
    expect(await signed(Sha256)).toBe(signature); // with the keys that are known now
  });
});
