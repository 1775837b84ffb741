/** What a part keeps of its creates: each is sent for an intent, and none that may have made a batch is forgotten. */

/**
 * The decision to run a part as one batch. Compare-and-sets add to it: id → fileId → sendBy (from then on a batch may
 * exist) → the part's batch.
 */
export interface Intent {
  id: string;
  at: number;
  /** The OpenAI account that the file was uploaded to: an opaque fingerprint. */
  account?: string;
  fileId?: string;
  /** CRC-32 of the uploaded bytes, 8 hexadecimal digits. */
  crc32?: string;
  /** When the API says that it created the file, in milliseconds. */
  uploadedAt?: number;
  /** The API's clock when it confirmed the file, in milliseconds. */
  answeredAt?: number;
  /** The last moment at which `POST /batches` may be sent, in milliseconds. It is saved before the request is sent. */
  sendBy?: number;
  /** When a search for the batch first found nothing. */
  foundNothingAt?: number;
  /** The create was refused in a way that passes: the list is searched before it is sent again. */
  refused?: true;
  /** When it was refused, in milliseconds: the batch may exist all the same, and be listed later. */
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

/** An abandoned intent, that is an unresolved create: its file was deleted, and no batch was found on it. */
export interface AbandonedIntent extends FileAtApi, Pick<Intent, 'uploadedAt' | 'answeredAt'> {
  intentId: string;
  /** When the intent began. */
  at: number;
  /** When it was abandoned. */
  givenUpAt?: number;
}

/** An intent that the part no longer has, although its create was sent (`replaced-intents.ts`). */
export interface ReplacedIntent extends Partial<FileAtApi>, Pick<Intent, 'uploadedAt' | 'answeredAt'> {
  intentId: string;
  /** When the intent began. */
  at: number;
  /** Until when a create of it may have been sent, in milliseconds. */
  sentUntil: number;
  /** The batch that it is known to have created. */
  batchId?: string;
}

/** A second batch whose end is not known yet. */
export interface OpenSecondBatch {
  batchId: string;
  /** When its cancel is sent next, in milliseconds. */
  cancelAt: number;
  /** The API did not know it at the last try. */
  unknown?: true;
}

/** A batch that only the answer to its create ever showed: the search for it resumes. */
export interface UnseenBatch {
  batchId: string;
  /** Its newest published status, and the revision of that. */
  status: string;
  rev: number;
}
