/**
 * The settings that a request bucket needs: versions, because a job is one version of a file, and events for EventBridge.
 * They are known once the whole app is made: a bucket may get them after the Batchdrop, by a call, an override or an
 * aspect. What is not made in the app is checked by `batchdrop doctor` after the deployment.
 */
import { Annotations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { bucketShown, isSameBucket, resourceOfBucket } from './bucket-identity.ts';
import { isPlain } from './shape.ts';
import { propertiesOf, resourcesInApp } from './template-resource.ts';

const NOTIFICATIONS = 'Custom::S3BucketNotifications';

type Setting = 'on' | 'off' | 'overwritten' | 'unknown';

/** Returns what is wrong with the request bucket, and warns of what is not known. */
export function requestBucketProblems(scope: Construct, bucket: IBucket): string[] {
  const versions = versioningOf(bucket);
  const events = eventsOf(bucket);
  const unknown = [
    ...(versions === 'unknown' ? ['versioning'] : []),
    ...(events === 'unknown' ? ['EventBridge notifications'] : []),
  ];
  const name = bucketShown(bucket);
  if (unknown.length > 0)
    Annotations.of(scope).addWarningV2(
      'batchdrop:requestBucketUnchecked',
      `requestBucket ${name} is not created in this app, so synth cannot check that it has ${unknown.join(' and ')} turned on, without which no file is processed. After the deployment, run batchdrop doctor, which checks this.`,
    );
  return [
    ...(versions === 'off'
      ? [
          `requestBucket ${name} has no versioning, so every file would be rejected; set versioned: true (of a CfnBucket: versioningConfiguration: { status: 'Enabled' }).`,
        ]
      : []),
    ...(events === 'off'
      ? [
          `requestBucket ${name} sends no events to EventBridge, so no file would be noticed; set eventBridgeEnabled: true (of a CfnBucket: notificationConfiguration: { eventBridgeConfiguration: { eventBridgeEnabled: true } }).`,
        ]
      : []),
    ...(events === 'overwritten'
      ? [
          `requestBucket ${name} sends no events to EventBridge, because its other notifications replace this setting; call enableEventBridgeNotification() of the bucket, too.`,
        ]
      : []),
  ];
}

function versioningOf(bucket: IBucket): Setting {
  const resource = resourceOfBucket(bucket);
  if (!resource) return 'unknown';
  const { VersioningConfiguration: versioning, ObjectLockEnabled: hasLock } = propertiesOf(resource);
  if (hasLock === true && versioning === undefined) return 'on'; // S3 turns it on with the lock
  return settingIn(versioning, 'Status', (status) => status === 'Enabled');
}

function eventsOf(bucket: IBucket): Setting {
  const ofBucket = resourcesInApp(NOTIFICATIONS, bucket).filter((resource) => {
    const owner = resource.node.scope?.node.scope;
    return owner !== undefined && isBucket(owner) && isSameBucket(owner, bucket);
  });
  const written = ofBucket.map(propertiesOf);
  if (written.some(({ NotificationConfiguration: all }) => isPlain(all) && all.EventBridgeConfiguration))
    return 'on';
  const resource = resourceOfBucket(bucket);
  if (!resource) return 'unknown';
  const { NotificationConfiguration: all } = propertiesOf(resource);
  if (all !== undefined && !isPlain(all)) return 'unknown';
  const setting = settingIn(all?.EventBridgeConfiguration, 'EventBridgeEnabled', (on) => on !== false);
  return setting === 'on' && written.some(({ Managed }) => Managed !== false) ? 'overwritten' : setting;
}

/** An object whose field is not plain, such as a condition, is known at the deployment only. */
function settingIn(settings: unknown, field: string, isOn: (value: unknown) => boolean): Setting {
  if (settings === undefined) return 'off';
  if (!isPlain(settings) || isPlain(settings[field])) return 'unknown';
  const [first = ''] = Object.keys(settings);
  if (first.startsWith('Fn::') || first === 'Ref') return 'unknown';
  return isOn(settings[field]) ? 'on' : 'off';
}

function isBucket(construct: object): construct is IBucket {
  return 'bucketName' in construct && 'arnForObjects' in construct;
}
