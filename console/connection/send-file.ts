import { failureOf, RequestFailure } from './request-failure.ts';

/** `onProgress` gets the sent share of the file, from 0 to 1. */
export interface Progress {
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

interface Sending extends Progress {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly file: Blob;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends a file and returns the answer. By XMLHttpRequest: `fetch` does not tell how much it has sent. */
export function sendFile<T>({ method, url, file, headers, onProgress, signal }: Sending): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('content-type', 'application/jsonl');
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
    request.onload = () => {
      if (request.status >= 400) reject(failureOf(request.status, request.responseText));
      else resolve(JSON.parse(request.responseText));
    };
    request.onerror = () =>
      reject(new RequestFailure('unreachable', 'The connection broke while the file was being sent.'));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}
