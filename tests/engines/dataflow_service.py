"""A stand-in of Dataflow's service: takes jobs, keeps what arrived, and runs the pipelines that were staged.

A pipeline is run as it is staged, from the bucket, by Beam's own portable runner; only that its container
is this interpreter. As a process: `python -m tests.engines.dataflow_service`, which prints its port.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_RUNNING, _DONE, _FAILED = "JOB_STATE_RUNNING", "JOB_STATE_DONE", "JOB_STATE_FAILED"


class _Service(BaseHTTPRequestHandler):
    """POST jobs; GET jobs/ID, its messages and metrics, and /arrived, which is what was posted."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        job |= {"id": f"job-{len(_jobs)}", "currentState": _RUNNING}
        _jobs[job["id"]] = job
        _arrived.append(
            job | {"path": urlsplit(self.path).path, "authorization": self.headers.get("Authorization")}
        )
        threading.Thread(target=_carry_out, args=(job,), daemon=True).start()
        self._answer(job)

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts == ["arrived"]:
            self._answer(_arrived)
        elif parts[-1] == "metrics":
            self._answer({"metrics": []})
        elif parts[-1] == "messages":
            self._answer({"jobMessages": _messages})
        else:
            self._answer(_jobs[parts[-1]])

    def _answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: standard output says the port."""


_jobs: dict[str, dict[str, Any]] = {}
_arrived: list[dict[str, Any]] = []
_messages: list[dict[str, Any]] = []


def _carry_out(job: dict[str, Any]) -> None:
    try:
        _run(job["environment"]["sdkPipelineOptions"]["options"])
    except Exception as error:  # noqa: BLE001 - the job fails, the service goes on
        traceback.print_exc()
        _messages.append(
            {
                "id": str(len(_messages)),
                "time": "2020-01-01T00:00:00Z",
                "messageText": str(error),
                "messageImportance": "JOB_MESSAGE_ERROR",
            }
        )
        job["currentState"] = _FAILED
    else:
        job["currentState"] = _DONE


def _run(options: dict[str, Any]) -> None:
    """Run a staged pipeline by what the service is told of it alone."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability import python_urns
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from gcsfs.core import GCSFileSystem

    address = os.environ["STORAGE_EMULATOR_HOST"]
    files = GCSFileSystem(endpoint_url=address, token="anon", skip_instance_cache=True)  # noqa: S106
    proto = beam_runner_api_pb2.Pipeline.FromString(files.cat_file(options["pipelineUrl"]))
    for environment in proto.components.environments.values():
        environment.urn, environment.payload = python_urns.EMBEDDED_PYTHON, b""
        environment.ClearField("dependencies")
        environment.ClearField("resource_hints")
    runner = fn_runner.FnApiRunner()
    runner.run_via_runner_api(proto, PipelineOptions()).wait_until_finish()


def main() -> None:
    server = ThreadingHTTPServer(("localhost", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.readline()
    server.shutdown()


if __name__ == "__main__":
    main()
