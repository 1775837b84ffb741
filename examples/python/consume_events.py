"""Processes events of Batchdrop from a queue: a Lambda function behind SQS, standard library only.

Events may arrive twice and out of order. `metadata.sequence` rises by one with each change of a job, so an event whose
sequence is not above the last one is ignored. A real consumer stores that number with its own data; here it is kept in
memory.
"""

import json

_last_seen: dict[str, int] = {}


def handler(event, _context):
    """Returns the records that failed: SQS delivers them again, and only them."""
    failed = []
    for record in event["Records"]:
        try:
            take(json.loads(record["body"]))
        except Exception as problem:  # one bad record must not make SQS deliver the others again
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
