import type {
  ActionAnswer,
  ChecksAnswer,
  FileCheck,
  JobAnswer,
  JobsAnswer,
  OverviewAnswer,
  RetryRequest,
  SamplesAnswer,
  Session,
  TicketAnswer,
  TicketRequest,
  UploadAnswer,
} from '../api.ts';
import { failureOf, RequestFailure } from './request-failure.ts';
import { type Progress, sendFile } from './send-file.ts';

const PAGE_OF_JOBS = 1_000;

/** The requests of `api.ts`, with the token. Errors: RequestFailure. */
export class ApiClient {
  readonly #headers: Readonly<Record<string, string>>;

  constructor(token: string) {
    this.#headers = { authorization: `Bearer ${token}` };
  }

  readonly session = () => this.#ask<Session>('/api/session');
  readonly overview = () => this.#ask<OverviewAnswer>('/api/overview');
  readonly checks = () => this.#ask<ChecksAnswer>('/api/checks');
  readonly job = (jobId: string) => this.#ask<JobAnswer>(path('jobs', jobId));
  readonly cancel = (jobId: string) => this.#send<ActionAnswer>(path('jobs', jobId, 'cancel'), {});
  readonly approve = (jobId: string) => this.#send<ActionAnswer>(path('jobs', jobId, 'approve'), {});
  readonly ticket = (wanted: TicketRequest) => this.#send<TicketAnswer>('/api/tickets', wanted);

  retry(jobId: string, request: RetryRequest): Promise<ActionAnswer> {
    return this.#send(path('jobs', jobId, 'retry'), request);
  }

  jobs(cursor: string | undefined): Promise<JobsAnswer> {
    const query = new URLSearchParams({
      limit: String(PAGE_OF_JOBS),
      ...(cursor !== undefined && { cursor }),
    });
    return this.#ask(`/api/jobs?${query}`);
  }

  samples(jobId: string, of: 'succeeded' | 'failed'): Promise<SamplesAnswer> {
    return this.#ask(`${path('jobs', jobId, 'samples')}?of=${of}`);
  }

  check(key: string, file: Blob, progress: Progress): Promise<FileCheck> {
    const url = `/api/check?${new URLSearchParams({ key })}`;
    return sendFile({ method: 'POST', url, file, headers: this.#headers, ...progress });
  }

  upload(key: string, file: Blob, progress: Progress): Promise<UploadAnswer> {
    return sendFile({
      method: 'PUT',
      url: path('files', ...key.split('/')),
      file,
      headers: this.#headers,
      ...progress,
    });
  }

  /** Opens the stream of events. It ends with `signal`. */
  async stream(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#fetch('/api/stream', { signal });
    if (body === null) throw new RequestFailure('unreachable', 'The stream of changes is empty.');
    return body;
  }

  async #ask<T>(url: string): Promise<T> {
    return (await this.#fetch(url, {})).json();
  }

  async #send<T>(url: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return (await this.#fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const response = await fetch(url, { ...init, headers: { ...init.headers, ...this.#headers } }).catch(
      (cause: unknown) => {
        throw new RequestFailure('unreachable', 'The console does not answer.', { cause });
      },
    );
    if (!response.ok) throw failureOf(response.status, await response.text());
    return response;
  }
}

function path(...names: readonly string[]): string {
  return `/api/${names.map(encodeURIComponent).join('/')}`;
}
