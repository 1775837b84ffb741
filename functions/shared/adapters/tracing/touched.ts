/** A job that an invocation worked on, and one of its batches, if it worked on one. */
export interface Touched {
  jobId: string;
  batchId?: string;
}

/** Adds what an invocation worked on to its trace. It never throws: a lost trace harms nothing. */
export interface Trace {
  /** `from`: when the invocation began, in milliseconds. */
  annotate(touched: readonly Touched[], from: number): Promise<void>;
}

/** X-Ray indexes 50 annotations of a trace; each item has two. POLL may work on more jobs in one invocation. */
export const MAX_ANNOTATED = 25;

/** The name of the part of a trace that stands for the work on one job. */
export const WORK_NAME = 'batchdrop job';
