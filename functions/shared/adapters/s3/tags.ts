import { GetObjectTaggingCommand, PutObjectTaggingCommand, type S3Client } from '@aws-sdk/client-s3';
import { ENDED_TAG } from '../../contract/ended-tag.ts';
import { TerminalError } from '../../domain/errors.ts';
import { inputOf, type S3Place, translated } from './object.ts';

const MAX_TAGS = 10; // S3's limit

/** The tag in the format of S3's writes. */
export const ENDED_TAGGING = new URLSearchParams([[ENDED_TAG.key, ENDED_TAG.value]]).toString();

/**
 * Adds the tag of an ended job to an object version. S3 replaces all tags of a version at once, so this reads the other
 * tags first and writes them again. Returns `full` if the version already has as many tags as S3 allows. Errors: those
 * of S3.
 */
export async function addEndedTag(client: S3Client, place: S3Place): Promise<'tagged' | 'full' | 'gone'> {
  const tried = `tag ${place.bucket}/${place.key} ${place.versionId}`;
  try {
    const { TagSet = [] } = await translated(tried, () =>
      client.send(new GetObjectTaggingCommand(inputOf(place))),
    );
    const { key: Key, value: Value } = ENDED_TAG;
    if (TagSet.some((tag) => tag.Key === Key && tag.Value === Value)) return 'tagged';
    const others = TagSet.filter((tag) => tag.Key !== Key);
    if (others.length >= MAX_TAGS) return 'full';
    const Tagging = { TagSet: [...others, { Key, Value }] };
    await translated(tried, () => client.send(new PutObjectTaggingCommand({ ...inputOf(place), Tagging })));
    return 'tagged';
  } catch (failure) {
    if (failure instanceof TerminalError && failure.code === 'object_gone') return 'gone';
    throw failure;
  }
}
