import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DockerImageAssetLocation,
  type FileAssetLocation,
  FileAssetPackaging,
  type FileAssetSource,
  Fn,
  type ISynthesisSession,
  StackSynthesizer,
  Stage,
} from 'aws-cdk-lib';
import { ASSETS } from './template-parameters.ts';
import { zipArchive } from './zip-archive.ts';

const NAME_LENGTH = 16; // hex digits of the checksum: enough to tell every release's code from the others

/**
 * Synthesizes a template for accounts that the CDK has not bootstrapped: the code of the functions is in a bucket that a
 * parameter names, and there is no rule, parameter or role of a bootstrap stack. The archives are named after their
 * checksums, so an update of the stack deploys what changed, and nothing else.
 */
export class TemplateSynthesizer extends StackSynthesizer {
  /** The archives by their paths, which start where the parameter for the prefix ends. */
  readonly archives = new Map<string, Buffer>();

  addFileAsset({ fileName, packaging, displayName = '' }: FileAssetSource): FileAssetLocation {
    if (fileName === undefined || packaging !== FileAssetPackaging.ZIP_DIRECTORY)
      throw new Error(`${displayName} is not a folder, so the template cannot contain it`);
    const { outdir } = Stage.of(this.boundStack) ?? {};
    const archive = zipArchive(filesIn(join(outdir ?? '', fileName)));
    const [, stage = 'code'] = displayName.split('/'); // the path of the construct
    const checksum = createHash('sha256').update(archive).digest('hex');
    const path = `functions/${stage.toLowerCase()}-${checksum.slice(0, NAME_LENGTH)}.zip`;
    this.archives.set(path, archive);
    const bucketName = Fn.ref(ASSETS.bucket);
    const objectKey = `${Fn.ref(ASSETS.prefix)}${path}`;
    const s3ObjectUrl = `s3://${bucketName}/${objectKey}`;
    return { bucketName, objectKey, s3ObjectUrl, httpUrl: s3ObjectUrl };
  }

  addDockerImageAsset(): DockerImageAssetLocation {
    throw new Error('the template cannot contain Docker images');
  }

  synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}

function filesIn(folder: string): Map<string, Buffer> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}
