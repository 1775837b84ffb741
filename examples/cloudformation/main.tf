# Batchdrop as a CloudFormation stack that Terraform manages, and a queue that receives the events of completed jobs.
#
#   terraform init && terraform apply -var assets_bucket=BUCKET

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "assets_bucket" {
  type        = string
  description = "An existing bucket for the code of the functions, in the region of the stack"
}

variable "name" {
  type        = string
  default     = "batchdrop"
  description = "Name of the stack. The names of its resources begin with it"
}

locals {
  release  = "${path.module}/.."
  template = "${local.release}/batchdrop.template.json"
}

data "aws_s3_bucket" "assets" {
  bucket = var.assets_bucket
}

# The names of the archives contain their checksums.
resource "aws_s3_object" "function" {
  for_each = fileset(local.release, "functions/*.zip")
  bucket   = var.assets_bucket
  key      = "batchdrop/${each.value}"
  source   = "${local.release}/${each.value}"

  lifecycle {
    create_before_destroy = true # a stack whose update fails is rolled back to the earlier archives
  }
}

# A new template has a new key, by which Terraform sees that the stack has to be updated.
resource "aws_s3_object" "template" {
  bucket = var.assets_bucket
  key    = "batchdrop/templates/${filesha256(local.template)}.json"
  source = local.template

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "batchdrop" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.assets.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]

  parameters = {
    AssetsBucket = var.assets_bucket
  }

  depends_on = [aws_s3_object.function]
}

resource "aws_sqs_queue" "completed" {
  name_prefix = "${var.name}-completed-"
}

resource "aws_cloudwatch_event_rule" "completed" {
  event_bus_name = aws_cloudformation_stack.batchdrop.outputs["EventBus"]

  event_pattern = jsonencode({
    source      = ["batchdrop"]
    detail-type = ["OpenAI Batch Job Status Change"]
    detail      = { data = { status = ["completed"] } }
  })
}

resource "aws_cloudwatch_event_target" "completed" {
  event_bus_name = aws_cloudwatch_event_rule.completed.event_bus_name
  rule           = aws_cloudwatch_event_rule.completed.name
  arn            = aws_sqs_queue.completed.arn
}

resource "aws_sqs_queue_policy" "completed" {
  queue_url = aws_sqs_queue.completed.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.completed.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.completed.arn } }
    }]
  })
}

output "request_bucket" {
  value = aws_cloudformation_stack.batchdrop.outputs["RequestBucket"]
}

output "results_bucket" {
  value = aws_cloudformation_stack.batchdrop.outputs["ResultsBucket"]
}
