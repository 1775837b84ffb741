import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createHandler } from '../../../functions/intake/handler.ts';
import { createDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/ledger.ts';
import { createS3RequestFiles } from '../../../functions/shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../../../functions/shared/adapters/s3/result-store.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import { createLedgerTable, startDynamoDb } from '../../contracts/ledger/local-dynamodb.ts';
import { startS3 } from '../../contracts/storage/local-s3.ts';
import { createRecordingBus } from '../../fakes/recording-bus.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { createRecordingMetrics } from '../../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../../fakes/recording-queues.ts';
import { createSeededIds } from '../../fakes/seeded-ids.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';

const TIMEOUT_MS = 600_000;

/** Uploads the same bytes under one key many times at once. INTAKE uses the local S3 and DynamoDB over HTTP. */
export class SideBySide {
  readonly #s3: Awaited<ReturnType<typeof startS3>>;
  readonly #dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>;
  readonly #ids = createSeededIds(1);
  #tries = 0;

  private constructor(
    s3: Awaited<ReturnType<typeof startS3>>,
    dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>,
  ) {
    this.#s3 = s3;
    this.#dynamoDb = dynamoDb;
  }

  static async open(): Promise<SideBySide> {
    const dynamoDb = await startDynamoDb();
    await createLedgerTable(dynamoDb.client, 'ledger');
    return new SideBySide(await startS3(), dynamoDb);
  }

  /**
   * Uploads `versions` at once and handles their events at once: each in its own INTAKE, after a random pause, some
   * twice. In every second try, the events have no sequencers. Returns how many versions run, and how many joined the
   * running one.
   */
  async try(versions: number): Promise<{ run: number; joined: number }> {
    this.#tries += 1;
    const random = seededRandom(this.#tries);
    const key = `try-${this.#tries}.jsonl`;
    const Body = chatRows(2, key);
    const puts = Array.from({ length: versions }, async () => {
      const put = await this.#s3.client.send(new PutObjectCommand({ Bucket: 'requests', Key: key, Body }));
      const versionId = put.VersionId ?? '';
      await this.#intake(key, versionId, random());
      if (random() < 0.2) await this.#intake(key, versionId, random());
      return jobIdOf({ bucket: 'requests', key, versionId });
    });
    const ledger = this.#ledger();
    const jobs = await Promise.all((await Promise.all(puts)).map((jobId) => ledger.readJob(jobId)));
    const running = jobs.filter((job) => job?.status === 'accepted');
    const joined = jobs.filter(
      (job) => job?.joinedJobId !== undefined && job.joinedJobId === running[0]?.jobId,
    );
    return { run: running.length, joined: joined.length };
  }

  async close(): Promise<void> {
    await this.#s3.close();
    await this.#dynamoDb.close();
  }

  #ledger() {
    const clock = { now: () => Date.now() };
    return createDynamoDbLedger({ calls: this.#dynamoDb.calls, tableName: 'ledger', clock });
  }

  async #intake(key: string, versionId: string, chance: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, chance * 20));
    const handle = createHandler({
      ledger: this.#ledger(),
      requestFiles: createS3RequestFiles({ client: this.#s3.client, owner: LOCAL_ACCOUNT }),
      results: createS3ResultStore({ client: this.#s3.client, bucket: 'results', owner: LOCAL_ACCOUNT }),
      bus: createRecordingBus(),
      queues: createRecordingQueues(),
      log: createRecordingLog(),
      metrics: createRecordingMetrics(),
      ids: this.#ids,
      clock: { now: () => Date.now() },
      limits: { enqueuedTokens: {} },
      holds: { expiresAfterMs: 60_000 },
      prices: new PriceList(),
      instance: 'test',
      resultsBucket: 'results',
      requestBucket: 'requests',
    });
    const sequencer = this.#tries % 2 === 0 ? { sequencer: versionId.slice(-12) } : {}; // the local S3's own order
    const object = { key, 'version-id': versionId, ...sequencer };
    const deadline = { until: Date.now() + TIMEOUT_MS, signal: new AbortController().signal };
    await handle(JSON.stringify({ detail: { bucket: { name: 'requests' }, object } }), deadline);
  }
}
