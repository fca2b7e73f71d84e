"""Sends one trace of two spans with the OpenTelemetry SDK: sdk.py grpc|http ENDPOINT

Prints, as soon as both are acknowledged, one line of JSON: trace_id, order, acknowledged (unix nanoseconds).
"""

import json
import sys
import time
import uuid

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

protocol, endpoint = sys.argv[1:3]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")

results = []
export = exporter.export


def recorded(spans):
    results.append(export(spans))
    return results[-1]


exporter.export = recorded
provider = TracerProvider(resource=Resource.create({"service.name": "python-sdk"}))
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("takt.tests")

order = str(uuid.uuid4())
with tracer.start_as_current_span("parent", attributes={"order": order}) as parent:
    with tracer.start_as_current_span("child", attributes={"order": order, "items": [1, 2, 3]}) as child:
        child.add_event("looked", {"shelf": 7})
acknowledged = time.time_ns()

if results != [SpanExportResult.SUCCESS] * 2:
    sys.exit(f"not acknowledged: {results}")
trace_id = format(parent.get_span_context().trace_id, "032x")
print(json.dumps({"trace_id": trace_id, "order": order, "acknowledged": acknowledged}), flush=True)
