const SHOWN_ID = 8; // characters; enough for one job of a billion, and a narrow terminal shows the whole command

/** Returns the first characters of a job id. Each command takes them instead of the whole id. */
export function shortId(jobId: string): string {
  return jobId.slice(0, SHOWN_ID);
}
