/** Runs the server in its own process, which reports its peak memory (bytes) on request. */
import { peakMemoryMb } from '../../local/lambda/peak-memory.ts';
import { runBatchApiAlone } from '../../local/openai/main.ts';

const [directory = '', speed = '1'] = process.argv.slice(2);
const { url } = await runBatchApiAlone({ directory, port: 0, speed: Number(speed), seed: 1 });
process.on('message', () => process.send?.({ peakBytes: peakMemoryMb() * 1024 * 1024 }));
process.on('disconnect', () => process.exit());
process.send?.({ url });
