import type { Queues, ReceivedMessage } from './queues.ts';

/**
 * Receives messages. If there is none, waits for one up to `waitSeconds` of wall time, because the caller is another
 * process with time-outs in wall time. If the caller disconnects, it stops without receiving anything.
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
        if (messages.length === 0) return; // another waiter was faster
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
