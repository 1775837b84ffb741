/** A refusal as S3 words it: `code` goes into the XML, `status` onto the wire, `details` become further XML elements. */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    extra: { details?: Record<string, string>; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = code;
    this.status = status;
    this.code = code;
    this.details = extra.details ?? {};
    this.headers = extra.headers ?? {};
  }
}

export const invalidArgument = (name: string, value: string, message: string): S3Error =>
  new S3Error(400, 'InvalidArgument', message, { details: { ArgumentName: name, ArgumentValue: value } });

export const invalidRequest = (message: string): S3Error => new S3Error(400, 'InvalidRequest', message);

export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error(404, 'NoSuchBucket', 'There is no bucket of this name.', { details: { BucketName: bucket } });

export const noSuchKey = (key: string, headers: Record<string, string> = {}): S3Error =>
  new S3Error(404, 'NoSuchKey', 'There is no object of this key.', { details: { Key: key }, headers });

export const noSuchVersion = (key: string, versionId: string): S3Error =>
  new S3Error(404, 'NoSuchVersion', 'The object has no version of this id.', {
    details: { Key: key, VersionId: versionId },
  });

export const noSuchUpload = (uploadId: string): S3Error =>
  new S3Error(404, 'NoSuchUpload', 'There is no such multipart upload; it may be aborted or completed.', {
    details: { UploadId: uploadId },
  });

export const preconditionFailed = (condition: string): S3Error =>
  new S3Error(412, 'PreconditionFailed', 'A condition of the request did not hold.', {
    details: { Condition: condition },
  });

export const badDigest = (what: string): S3Error =>
  new S3Error(400, 'BadDigest', `The ${what} of the request does not match what was received.`);

export const malformedXml = (why: string): S3Error =>
  new S3Error(400, 'MalformedXML', `The XML of the request is not what this operation takes: ${why}.`);

export const notImplemented = (what: string): S3Error =>
  new S3Error(501, 'NotImplemented', `${what} is not part of the local S3 subset.`);
