import { startS3 } from './s3-engine-server.ts';

// A process that the test kills: an engine in the given directory, whose events are never accepted.
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('The directory is missing.');
const server = await startS3(directory, () => new Promise<void>(() => {}));
server.engine.createBucket('requests', { versioned: true, eventBridge: true });
process.stdout.write(`${server.url}\n`);
