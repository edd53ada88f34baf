"""s3:// under faults, against moto's server where that is installed; without boto3 it is told what to do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

from pipelines.cli import main
from schemas.errors import DataError, FailureKind
from tests.storage.emulator import Store, served
from tests.storage.fault_plan import Plan
from tests.storage.uses import BYTES, KINDS, Use, fill, uses
from transforms import storage
from transforms.inputs.listing import list_folder
from transforms.object_stores import known, retries
from transforms.object_stores.retries import ATTEMPTS, take_retries

FOLDER = "s3://music/audio"
ONE = f"{FOLDER}/one.flac"
_SERVER = """

from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
input()
"""
needs_moto = pytest.mark.skipif(
    find_spec("moto") is None or find_spec("boto3") is None, reason="moto[server] and boto3 are not installed"
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """S3 with a bucket `music`, behind the fault proxy, and this process led to it."""
    with (
        served("-c", _SERVER) as port,
        served("-m", "tests.storage.fault_proxy", str(port)) as proxy_port,
        pytest.MonkeyPatch.context() as patched,
    ):
        address = f"http://127.0.0.1:{proxy_port}"
        led = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in led.items():
            patched.setenv(name, value)
        patched.setattr(retries, "FIRST_PAUSE_S", 0.01)
        known.forget_stores()
        requests.put(f"{address}/music", timeout=10).raise_for_status()
        yield Store(None, led, address)
    known.forget_stores()


@pytest.fixture
def filled(store: Store) -> Iterator[None]:
    """A few objects, no faults, nothing counted."""
    store.plan(Plan())
    fill(FOLDER)
    take_retries()
    yield
    store.plan(Plan())
    storage.remove_folder(FOLDER)


@needs_moto
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_faults_in_a_row_are_mended_and_each_is_counted(store: Store, use: Use, kind: str) -> None:
    store.plan(Plan(rate=1.0, kinds=(kind,), most_in_a_row=2))
    result = use.action()
    counts, retried = store.counts(), take_retries()
    assert sum(retried.values()) == counts["faults"][kind]
    assert counts["asked"] == {request: failed + 1 for request, failed in counts["failed"].items()}
    store.plan(Plan())
    assert use.holds(result)


@needs_moto
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_a_store_that_goes_on_failing_is_told_after_the_last_try(store: Store, use: Use) -> None:
    store.plan(Plan(rate=1.0, kinds=("503",), most_in_a_row=1_000_000))
    with pytest.raises(DataError, match=rf"503.* \(tried {ATTEMPTS} times\)") as refusal:
        use.action()
    assert (refusal.value.kind, refusal.value.attempts) == (FailureKind.STORAGE, ATTEMPTS)
    assert set(store.counts()["asked"].values()) == {ATTEMPTS}


@needs_moto
@pytest.mark.usefixtures("filled")
def test_a_listing_and_a_description_say_the_same_of_an_object() -> None:
    for listed in list_folder(FOLDER):
        assert storage.describe(listed.uri).source_version == listed.source_version
    state = storage.describe(ONE)
    assert state.source_version.startswith("etag ")
    storage.write_text(ONE, "other")
    assert storage.describe(ONE).source_version != state.source_version


@needs_moto
@pytest.mark.usefixtures("filled")
def test_an_object_that_changes_while_it_is_read_is_refused() -> None:
    with storage.open_file(ONE) as file:
        storage.write_text(ONE, "other")
        with pytest.raises(DataError, match="has changed while it was read"):
            file.read(1)


@needs_moto
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("uri", "kind"),
    [("s3://music/none", "not_found"), ("s3://no-such-bucket/a", "not_found"), ("s3://music", "bad_uri")],
)
def test_what_is_not_there_is_refused_at_once(store: Store, uri: str, kind: str) -> None:
    with pytest.raises(DataError, match=r"no such object|names no object") as refusal:
        storage.read_bytes(uri, max_bytes=len(BYTES))
    assert (refusal.value.kind, refusal.value.attempts) == (kind, 1)


@pytest.mark.skipif(find_spec("boto3") is not None, reason="boto3 is installed")
@pytest.mark.parametrize(
    "arguments",
    [
        ["tag", "s3://music/audio", "--output", "OUT"],
        ["tag", "s3://music/catalogue.csv", "--output", "OUT"],
        ["tag", "OUT", "--output", "s3://music/moods"],
        ["tag", "OUT", "--output", "OUT", "--bundle", "s3://music/bundle"],
        ["export", "s3://music/moods", "tracks", "OUT/tracks.csv"],
    ],
)
def test_without_boto3_it_is_said_in_a_line_what_to_install(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    assert main([argument.replace("OUT", str(tmp_path)) for argument in arguments]) == 2
    assert "s3:// needs boto3: pip install 'moodscribe[aws]'" in capsys.readouterr().err
