#!/bin/sh
# Deploys Batchdrop with the AWS CLI: uploads the code of the functions to your bucket, and creates or updates a stack.
#
#   recipes/deploy.sh BUCKET STACK [PARAMETER=VALUE ...]
#
# The bucket and the stack are in the region of your profile, or in AWS_REGION. You can repeat the command.
set -eu
if [ $# -lt 2 ]; then
  echo "usage: $0 BUCKET STACK [PARAMETER=VALUE ...]" >&2
  exit 2
fi
bucket=$1
stack=$2
shift 2
release=$(cd "$(dirname "$0")/.." && pwd)

# The names of the archives contain their checksums, so all versions can share one folder. Keep the old ones: a rollback
# needs them.
aws s3 cp --recursive --only-show-errors "$release/functions/" "s3://$bucket/batchdrop/functions/"

# The template is too large to be sent with the request, so it goes through the bucket as well.
aws cloudformation deploy \
  --stack-name "$stack" \
  --template-file "$release/batchdrop.template.json" \
  --s3-bucket "$bucket" --s3-prefix batchdrop/templates \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --parameter-overrides "AssetsBucket=$bucket" "$@"

aws cloudformation describe-stacks --stack-name "$stack" --output table \
  --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
