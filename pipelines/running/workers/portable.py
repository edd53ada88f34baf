"""`moodscribe-worker`: a worker process for an engine that starts its own, such as Flink.

An engine with Beam's PROCESS environment starts the command that it is given and says where it is to be
reached; Beam's own command for this ships in its container images only. What the worker needs must be
installed where it runs: moodscribe's wheel brings this command along.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from typing import Any

from schemas.heavy_start import heavy_start

_ABOUT = """\
A worker process for Beam's PROCESS environment: an engine starts it, nobody by hand. It is asked for by

  moodscribe tag ... --runner PortableRunner --job_endpoint HOST:8099 --parallelism 8 \\
      --environment_type PROCESS --environment_config '{"command": "/path/to/moodscribe-worker"}'
"""

_PARENT_S = 2.0
_ANSWER_S = 60.0


def main() -> None:
    """Serve the engine that has started this process until it has no more work."""
    arguments = _parser().parse_known_args()[0]
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ.update(_environment(_provision(arguments), arguments))
    with heavy_start():
        from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moodscribe-worker",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--id", required=True, type=_unquoted, help="this worker's name with the engine")
    parser.add_argument("--provision_endpoint", required=True, metavar="HOST:PORT", help="what it is to do")
    parser.add_argument("--control_endpoint", default="", metavar="HOST:PORT")
    parser.add_argument("--logging_endpoint", default="", metavar="HOST:PORT")
    return parser


def _unquoted(name: str) -> str:
    """A name without the quotes that Prism puts around it, as if a shell would take them off."""
    return name.removeprefix("'").removesuffix("'")


def _provision(arguments: argparse.Namespace) -> Any:
    """What the engine tells a worker that has just started."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor

    with grpc.insecure_channel(arguments.provision_endpoint) as channel:
        named = grpc.intercept_channel(channel, WorkerIdInterceptor(arguments.id))
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(named)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return service.GetProvisionInfo(request, timeout=_ANSWER_S, wait_for_ready=True).info


def _environment(info: Any, arguments: argparse.Namespace) -> dict[str, str]:
    """The settings of Beam's worker, as it reads them from its environment; without a folder of staged files,
    so that no pickled session is loaded from one.
    """
    from apache_beam.portability.api import endpoints_pb2
    from google.protobuf import json_format, text_format

    environment = {
        "WORKER_ID": arguments.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    for name, told, given in (
        ("CONTROL", info.control_endpoint, arguments.control_endpoint),
        ("LOGGING", info.logging_endpoint, arguments.logging_endpoint),
        ("STATUS", info.status_endpoint, ""),
    ):
        if url := told.url or given:
            endpoint = endpoints_pb2.ApiServiceDescriptor(url=url)
            environment[f"{name}_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(endpoint)
    return environment


def _end_with(parent: int) -> None:
    """End this process soon after the engine's: the kernel's own signal would come with a thread's end."""
    while os.getppid() == parent:
        time.sleep(_PARENT_S)
    os._exit(1)


if __name__ == "__main__":
    main()
