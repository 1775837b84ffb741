/**
 * What a part stores about its creates. Each create belongs to an intent, and an intent that may have made a batch is
 * never forgotten.
 */

/**
 * The decision to run a part as one batch. Compare-and-sets add to it, in this order: `id`, `fileId`, `sendBy` (a batch
 * may exist from then on), and the part's batch.
 */
export interface Intent {
  id: string;
  at: number;
  /** The OpenAI account that the file was uploaded to: an opaque fingerprint. */
  account?: string;
  fileId?: string;
  /** CRC-32 of the uploaded bytes, 8 hexadecimal digits. */
  crc32?: string;
  /** When the file was created, by the API's clock, in milliseconds. */
  uploadedAt?: number;
  /** The API's clock when it confirmed the file, in milliseconds. */
  answeredAt?: number;
  /** The last moment at which `POST /batches` may be sent, in milliseconds. It is saved before the request is sent. */
  sendBy?: number;
  /** When a search for the batch first found nothing. */
  foundNothingAt?: number;
  /** The create was refused temporarily. The list is searched before it is sent again. */
  refused?: true;
  /** When the create was refused, in milliseconds. The batch may still exist and appear on the list later. */
  refusedAt?: number;
}

/** A file at the API, and its account. */
export interface FileAtApi {
  fileId: string;
  account?: string;
}

/** An intent with an uploaded file. */
export type UploadedIntent = Intent & { fileId: string };

/** An intent whose `POST /batches` may have been sent. */
export type SentIntent = UploadedIntent & { sendBy: number };

/**
 * An intent that was abandoned because its create is unresolved: its file was deleted, and no batch was found for it.
 */
export interface AbandonedIntent extends FileAtApi, Pick<Intent, 'uploadedAt' | 'answeredAt'> {
  intentId: string;
  /** When the intent began. */
  at: number;
  /** When it was abandoned. */
  givenUpAt?: number;
}

/** An intent that was replaced by another one after its create was sent (`replaced-intents.ts`). */
export interface ReplacedIntent extends Partial<FileAtApi>, Pick<Intent, 'uploadedAt' | 'answeredAt'> {
  intentId: string;
  /** When the intent began. */
  at: number;
  /** The last time at which its create may have been sent, in milliseconds. */
  sentUntil: number;
  /** The batch that its create is known to have made. */
  batchId?: string;
  /** When that batch ended, by the API's clock, in milliseconds. The create of a later intent was sent after that. */
  endedAt?: number;
}

/** A second batch that may not have ended. */
export interface OpenSecondBatch {
  batchId: string;
  /** When its cancel is sent next, in milliseconds. */
  cancelAt: number;
  /** The API did not know it at the last try. */
  unknown?: true;
}

/** A batch that only the response to its create has ever shown. The search for it has resumed. */
export interface UnseenBatch {
  batchId: string;
  /** Its newest published status, and that status's revision. */
  status: string;
  rev: number;
}
