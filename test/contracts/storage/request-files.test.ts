import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { createS3RequestFiles } from '../../../functions/shared/adapters/s3/request-files.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import { createInMemoryRequestFiles } from '../../fakes/in-memory-request-files.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { NOON } from '../samples.ts';
import { startS3 } from './local-s3.ts';
import { describeRequestFilesContract } from './request-files.contract.ts';

describeRequestFilesContract('the fake', async () => {
  const clock = new ManualClock(NOON + 1);
  const files = createInMemoryRequestFiles({ clock });
  return {
    files,
    bucket: 'requests',
    async put(key, body, metadata) {
      clock.advance(700);
      return { versionId: files.put('requests', key, body, metadata).versionId, at: clock.now() };
    },
    remove: async (file) => files.remove(file),
    setTags: async (file, tags) => files.setTags(file, tags),
    tagsOf: async (file) => files.tagsOf(file),
    close: async () => {},
  };
});

describeRequestFilesContract('S3', async () => {
  const s3 = await startS3();
  return {
    files: createS3RequestFiles({ client: s3.client, owner: LOCAL_ACCOUNT }),
    bucket: 'requests',
    async put(Key, Body, Metadata) {
      s3.clock.advance(700);
      const answer = await s3.client.send(
        new PutObjectCommand({
          Bucket: 'requests',
          Key,
          Body,
          ...(Metadata === undefined ? {} : { Metadata }),
        }),
      );
      return { versionId: answer.VersionId ?? '', at: s3.clock.now() };
    },
    async remove({ bucket, key, versionId }) {
      await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    },
    async setTags({ bucket, key, versionId }, tags) {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await s3.client.send(
        new PutObjectTaggingCommand({ Bucket: bucket, Key: key, VersionId: versionId, Tagging: { TagSet } }),
      );
    },
    async tagsOf({ bucket, key, versionId }) {
      const { TagSet = [] } = await s3.client.send(
        new GetObjectTaggingCommand({ Bucket: bucket, Key: key, VersionId: versionId }),
      );
      return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
    close: s3.close,
  };
});
