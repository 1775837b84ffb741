/**
 * Resources that do nothing at run time on one machine, with the reason. They are left out, and `up` says so. All other types are
 * created, or refused by name: a resource that an app needs must not be missing in silence.
 */
const NOT_MEASURED = 'nothing is measured here';
const NO_NETWORK = 'functions use the network of this machine';
const NO_THROUGHPUT = 'tables have no limit of throughput here';
const LOG_FILES = 'logs are files of the data directory';
/** For topics, and for what belongs to them: `alarm-topics.ts` finds those that receive nothing else. */
export const ONLY_ALARMS = 'no alarm goes off here';
const OWNER = 'functions have roles, and the owner of this machine may do all';
const NOT_DEPLOYED = 'it acts only when CloudFormation creates or deletes the stack';

export const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['AWS::CDK::Metadata', NOT_DEPLOYED],
  ['AWS::CloudWatch::Alarm', NOT_MEASURED],
  ['AWS::CloudWatch::AnomalyDetector', NOT_MEASURED],
  ['AWS::CloudWatch::CompositeAlarm', NOT_MEASURED],
  ['AWS::CloudWatch::Dashboard', NOT_MEASURED],
  ['AWS::Logs::LogGroup', LOG_FILES],
  ['AWS::Logs::LogStream', LOG_FILES],
  ['AWS::Logs::MetricFilter', NOT_MEASURED],
  ['AWS::Logs::QueryDefinition', LOG_FILES],
  ['AWS::Chatbot::SlackChannelConfiguration', ONLY_ALARMS],
  ['AWS::KMS::Alias', 'nothing is encrypted here'],
  ['AWS::KMS::Key', 'nothing is encrypted here'],
  ['AWS::SecretsManager::RotationSchedule', 'secrets are kept in memory here'],
  ['AWS::SecretsManager::ResourcePolicy', 'secrets are kept in memory here'],
  ['AWS::SSM::Parameter', 'no service reads parameters here'],
  ['AWS::IAM::AccessKey', OWNER],
  ['AWS::IAM::Group', OWNER],
  ['AWS::IAM::InstanceProfile', OWNER],
  ['AWS::IAM::OIDCProvider', OWNER],
  ['AWS::IAM::User', OWNER],
  ['AWS::IAM::UserPolicy', OWNER],
  ['AWS::IAM::UserToGroupAddition', OWNER],
  ['AWS::EC2::EIP', NO_NETWORK],
  ['AWS::EC2::FlowLog', NO_NETWORK],
  ['AWS::EC2::InternetGateway', NO_NETWORK],
  ['AWS::EC2::NatGateway', NO_NETWORK],
  ['AWS::EC2::Route', NO_NETWORK],
  ['AWS::EC2::RouteTable', NO_NETWORK],
  ['AWS::EC2::SecurityGroup', NO_NETWORK],
  ['AWS::EC2::SecurityGroupEgress', NO_NETWORK],
  ['AWS::EC2::SecurityGroupIngress', NO_NETWORK],
  ['AWS::EC2::Subnet', NO_NETWORK],
  ['AWS::EC2::SubnetRouteTableAssociation', NO_NETWORK],
  ['AWS::EC2::VPC', NO_NETWORK],
  ['AWS::EC2::VPCEndpoint', NO_NETWORK],
  ['AWS::EC2::VPCGatewayAttachment', NO_NETWORK],
  ['AWS::ApplicationAutoScaling::ScalableTarget', NO_THROUGHPUT],
  ['AWS::ApplicationAutoScaling::ScalingPolicy', NO_THROUGHPUT],
  ['AWS::Lambda::Version', 'the latest code runs'],
  ['AWS::XRay::SamplingRule', 'nothing is traced here'],
  ['Custom::LogRetention', LOG_FILES],
  ['Custom::S3AutoDeleteObjects', NOT_DEPLOYED],
  ['Custom::VpcRestrictDefaultSG', NO_NETWORK],
]);

/** Custom resources of the CDK that the runtime itself does, so that their functions never run. */
export const BUCKET_NOTIFICATIONS = 'Custom::S3BucketNotifications';
