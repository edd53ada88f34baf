"""The worker processes of a run: when one dies, the others are ended and the run is told.

Beam's own local runner waits for answers of a worker that was killed, some of them for ever. Here every
question to a worker is answered with an error from the moment on that one of them has died.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_provision_api_pb2, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from google.protobuf import json_format, text_format

from pipelines.running.workers.ended import WorkerEndedError

_WATCHED_PROCESS = "moodscribe:env:watched_process:v1"


class Crew:
    """The workers of one run, as a context manager around it: raises WorkerEndedError where one has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: list[_Connection] = []
        self._ended: WorkerEndedError | None = None

    def __enter__(self) -> Self:
        threading.excepthook = _thread_ended
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended is not None:
            raise self._ended from None  # all else that went wrong came of it

    def connect(self, connection: Any) -> _Connection:
        """A worker's connection that answers when the worker no longer does, or is not to start any more."""
        watched = _Connection(connection)
        with self._lock:
            self._connections.append(watched)
            ended = self._ended
        if ended is not None:
            watched.fail(str(ended))
        return watched

    def work(self, environment: dict[str, str]) -> None:
        """Run a worker process to its end."""
        command = [sys.executable, "-m", "pipelines.running.workers.process", str(os.getpid())]
        with self._lock:
            if self._ended is not None:
                return
            process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own interpreter and module
            self._processes.append(process)
        if process.wait() != 0:
            self._end(WorkerEndedError(process.returncode))

    def _end(self, ended: WorkerEndedError) -> None:
        with self._lock:
            self._ended = self._ended or ended
            processes, connections = list(self._processes), list(self._connections)
        for process in processes:
            process.kill()
        for connection in connections:
            connection.fail(str(self._ended))


def _thread_ended(arguments: threading.ExceptHookArgs) -> None:
    """The threads that read from a worker end with an error when it ends, and not always before the run."""
    if not isinstance(arguments.exc_value, grpc.RpcError):
        threading.__excepthook__(arguments)


class _Connection:
    """A worker's control connection, as the runner uses it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._asked: list[Any] = []
        self._error: str | None = None

    def push(self, request: Any) -> Any:
        """Ask the worker; the answer to come."""
        with self._lock:
            answer = self._connection.push(request)
            self._asked = [*(one for one in self._asked if not one.is_done()), answer]
            if self._error is not None:
                _fail(answer, self._error)
        return answer

    def fail(self, error: str) -> None:
        """Answer what was asked, and what will be, with an error."""
        with self._lock:
            self._error = error
            for answer in self._asked:
                _fail(answer, error)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _fail(answer: Any, error: str) -> None:
    if not answer.is_done():
        answer.set(beam_fn_api_pb2.InstructionResponse(instruction_id=answer.instruction_id, error=error))


class _Provision(fn_runner.ExtendedProvisionInfo):  # type: ignore[misc]
    """What Beam hands to its workers, with the crew that they belong to."""

    def __init__(self, crew: Crew, pipeline_options: Any) -> None:
        info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=pipeline_options)
        super().__init__(info)
        self.crew = crew


@worker_handlers.WorkerHandler.register_environment(_WATCHED_PROCESS, bytes)
class _Worker(worker_handlers.GrpcWorkerHandler):  # type: ignore[misc]
    """Beam's side of one worker process."""

    control_conn: Any

    def __init__(self, _: bytes, state: Any, provision_info: _Provision, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._crew = provision_info.crew
        self.control_conn = self._crew.connect(self.control_conn)

    def start_worker(self) -> None:
        control = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": json_format.MessageToJson(
                self.provision_info.provision_info.pipeline_options
            ),
            "WORKER_ID": self.worker_id,
        }
        # The kernel ends a worker with the thread that has started it: this one stays with it.
        self._thread = threading.Thread(target=self._crew.work, args=(environment,), name=self.worker_id)
        self._thread.start()

    def stop_worker(self) -> None:
        self._thread.join()


class WatchedRunner(fn_runner.FnApiRunner):  # type: ignore[misc]
    """Beam's local runner with worker processes that are watched."""

    def __init__(self, pipeline_options: Any) -> None:
        self.crew = Crew()
        super().__init__(provision_info=_Provision(self.crew, pipeline_options))

    def run_via_runner_api(self, pipeline_proto: Any, options: Any) -> Any:
        """Run with our way to start a process in the place of Beam's."""
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == python_urns.SUBPROCESS_SDK:
                environment.urn, environment.payload = _WATCHED_PROCESS, b""
        return super().run_via_runner_api(pipeline_proto, options)
