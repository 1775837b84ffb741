import type { ServerResponse } from 'node:http';
import type { GatewayPage } from './faults.ts';

/** Sends a response of something in front of the API: a proxy's page, or an API gateway's `{message}`. */
export function sendPage(response: ServerResponse, { status, body }: GatewayPage): null {
  const isRedirect = status >= 300 && status < 400;
  response.writeHead(status, {
    ...(isRedirect ? { location: 'https://login.example.com/' } : {}),
    ...(body === 'nothing' ? {} : { 'content-type': body === 'html' ? 'text/html' : 'application/json' }),
  });
  if (body === 'html') response.end(`<html><head><title>${status}</title></head><body>Denied</body></html>`);
  else response.end(body === 'message' ? JSON.stringify({ message: `The gateway says ${status}.` }) : '');
  return null;
}
