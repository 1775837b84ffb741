"""Batchdrop's template in a stack of a CDK app in Python. Upload the folder functions/ first (deploy.sh shows how)."""

from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk.cloudformation_include import CfnInclude

app = App()
stack = Stack(app, "Reports")
batchdrop = CfnInclude(
    stack,
    "Batchdrop",
    template_file=str(Path(__file__).parent.parent / "batchdrop.template.json"),
    parameters={"AssetsBucket": "my-assets", "AssetsPrefix": "batchdrop/"},
)

events.Rule(
    stack,
    "Completed",
    event_bus=events.EventBus.from_event_bus_name(
        stack, "EventBus", batchdrop.get_output("EventBus").value
    ),
    event_pattern=events.EventPattern(
        source=["batchdrop"],
        detail_type=["OpenAI Batch Job Status Change"],
        detail={"data": {"status": ["completed"]}},
    ),
    targets=[targets.SqsQueue(sqs.Queue(stack, "Inbox", enforce_ssl=True))],
)
app.synth()
