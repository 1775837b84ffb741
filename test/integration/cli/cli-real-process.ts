/** Runs `batchdrop up --real` with a fast clock, and a test that answers its questions, for cli-real.test.ts. */
import { once } from 'node:events';
import { untilStopped } from '../../../bin/terminal/stop-signal.ts';
import { realBatchApi } from '../../../bin/up/real-batch-api.ts';
import { runStack } from '../../../bin/up/run-local-stack.ts';
import { ownStack } from '../../../bin/up/synthesis.ts';

const [data = 'data', yes] = process.argv.slice(2);
const stopping = new AbortController();
void untilStopped().then(() => stopping.abort());
await runStack({
  // A message of a killed run comes again after an hour: six seconds.
  options: { port: 0, data, speed: 600, real: true, yes: yes === '--yes' },
  api: realBatchApi(process.env),
  own: ownStack,
  ask: async (question) => {
    process.send?.({ question });
    const [answer] = await once(process, 'message');
    return answer === 'yes';
  },
  stopped: stopping.signal,
});
process.disconnect?.();
