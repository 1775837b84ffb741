import type { Queues, ReceivedMessage } from './queues.ts';

/**
 * Receives, and while nothing is there waits up to `waitSeconds` of wall time for an arrival: the caller is a process
 * outside, whose time-outs are real. Gives up without taking anything when the caller has gone.
 */
export async function waitForMessages(
  queues: Queues,
  queueArn: string,
  receive: () => ReceivedMessage[],
  { waitSeconds, signal }: { waitSeconds: number; signal: AbortSignal },
): Promise<ReceivedMessage[]> {
  const atOnce = receive();
  if (atOnce.length > 0 || waitSeconds === 0 || signal.aborted) return atOnce;
  return new Promise((resolve, reject) => {
    const stop = () => {
      stopListening();
      clearTimeout(timeout);
      signal.removeEventListener('abort', giveUp);
    };
    const giveUp = () => {
      stop();
      resolve([]);
    };
    const stopListening = queues.onArrival(queueArn, () => {
      try {
        const messages = receive();
        if (messages.length === 0) return; // another waiter was quicker
        stop();
        resolve(messages);
      } catch (error) {
        stop();
        reject(error);
      }
    });
    const timeout = setTimeout(giveUp, waitSeconds * 1000);
    signal.addEventListener('abort', giveUp);
  });
}
