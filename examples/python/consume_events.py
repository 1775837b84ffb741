"""Consumes events of Batchdrop from a queue: a Lambda function with SQS as its event source, standard library only.

Events may arrive twice and out of order. `metadata.sequence` grows by one with each change of a job, so the consumer
ignores sequences that it has already passed. A real consumer stores the last one with its data; this one keeps it in memory.
"""

import json

_last_seen: dict[str, int] = {}


def handler(event, _context):
    """Returns the records that failed. SQS delivers only these again."""
    failed = []
    for record in event["Records"]:
        try:
            take(json.loads(record["body"]))
        except Exception as problem:  # one bad record must not return the others to the queue
            print(json.dumps({"problem": str(problem), "messageId": record["messageId"]}))
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def take(message):
    """Acts on one event. Returns False if it is of another kind or was seen before."""
    if message["detail-type"] != "OpenAI Batch Job Status Change":
        return False
    metadata, data = message["detail"]["metadata"], message["detail"]["data"]
    job_id = metadata["jobId"]
    if metadata["sequence"] <= _last_seen.get(job_id, 0):
        return False
    act(job_id, data)
    _last_seen[job_id] = metadata["sequence"]
    return True


def act(job_id, data):
    """Prints a line for each file that has ended. `completed` does not mean that every row succeeded."""
    if data["status"] == "rejected":
        first = data["findings"]["first"][0]
        print(f"{data['requestFile']['key']}: rejected, line {first['line']}: {first['message']}")
    elif "results" in data:
        rows, output = data["rows"], data["results"]["output"]
        where = f"s3://{data['results']['bucket']}/{output}"
        print(f"{data['requestFile']['key']}: {data['status']}, {rows['succeeded']} of {rows['total']} rows, {where}")
