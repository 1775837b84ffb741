import { startS3 } from './s3-engine-server.ts';

// A process for the test to kill: an engine in the directory of its argument, whose events are never taken.
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('The directory is missing.');
const server = await startS3(directory, () => new Promise<void>(() => {}));
server.engine.createBucket('requests', { versioned: true, eventBridge: true });
process.stdout.write(`${server.url}\n`);
