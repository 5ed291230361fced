"""Folders over HTTP: what is unsafe stays out, what goes in comes out."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.interfaces.answers import member, packed, problem

from datahall.interfaces.bootstrap import Platform


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(packed(member("../x")), id="leads out"),
        pytest.param(packed(member("a/../../x")), id="leads out in the middle"),
        pytest.param(packed(member("x", tarfile.SYMTYPE, "/etc/passwd")), id="a link to elsewhere"),
        pytest.param(packed(member("x", tarfile.SYMTYPE, ".."), member("x/y")), id="through a link"),
        pytest.param(packed(member("x", tarfile.LNKTYPE, "../../../etc/passwd")), id="a hard link to elsewhere"),
        pytest.param(packed(member("x", tarfile.CHRTYPE)), id="a device"),
        pytest.param(packed(member("x"), mode="w:gz"), id="compressed"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"this is no tar", id="no tar"),
        pytest.param(packed(member("x"))[:700], id="cut short"),
    ],
)
def test_an_unsafe_archive_is_refused_and_leaves_nothing(http, admin, platform: Platform, content: bytes):
    """Given an archive that would write elsewhere, or none at all, it is refused and nothing of it is kept."""
    objects = set(platform.catalogue.artifacts.all_digests())
    found = problem(http.put("/v1/artifacts?key=bad", content=content, headers=admin), 400)
    assert found["code"] in {"ART-012", "ART-005"}
    assert set(platform.catalogue.artifacts.all_digests()) == objects
    assert list(platform.catalogue.artifacts.incoming.iterdir()) == []


def test_an_absolute_name_is_taken_inside(http, admin):
    """Given a member called /etc/x, it is stored as etc/x within the folder."""
    made = http.put("/v1/artifacts?key=abs", content=packed(member("/etc/x")), headers=admin)
    assert made.status_code == 201
    assert list(http.get("/v1/artifacts/files?reference=key:abs", headers=admin).json()["files"]) == ["etc/x"]


def test_an_archive_that_promises_too_much_is_refused(http, admin, monkeypatch):
    """Given a limit of ten bytes, an archive of three files of five is refused before it is unpacked."""
    content = packed(member("a"), member("b"), member("c"))
    monkeypatch.setattr("datahall.interfaces.api.artifacts.MAX_UPLOAD_BYTES", len(content))
    assert http.put("/v1/artifacts?key=k", content=content, headers=admin).status_code == 201
    monkeypatch.setattr("datahall.interfaces.api.artifacts.MAX_UPLOAD_BYTES", len(content) - 1)
    assert problem(http.put("/v1/artifacts?key=k", content=content, headers=admin), 413)["code"] == "ART-011"


def test_a_quota_stops_an_upload(http, admin, token):
    """Given a quota of 7 bytes, a folder of 5 comes in and one more does not."""
    http.post("/v1/tenants", json={"name": "small", "quota_bytes": 7}, headers=admin)
    member_of_small = token("member", "small")
    assert http.put("/v1/artifacts?key=a", content=packed(member("a")), headers=member_of_small).status_code == 201
    found = problem(http.put("/v1/artifacts?key=b", content=packed(member("b")), headers=member_of_small), 400)
    assert found["what"] == "5 B are used and 5 B would come, of 7 B"


def test_a_folder_comes_back(http, admin, tmp_path: Path):
    """Given a stored folder, its tar and its single file come back as they went in; storing again under the key is newer."""
    content = packed(member("a.txt"), member("sub/b.txt"))
    made = http.put("/v1/artifacts?key=data", content=content, headers=admin).json()
    answer = http.get(f"/v1/artifacts/content?reference=sha256:{made['digest']}", headers=admin)
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "hello"
    one = http.get("/v1/artifacts/file?reference=key:data&path=a.txt", headers=admin)
    assert one.content == b"hello"
    problem(http.get("/v1/artifacts/file?reference=key:data&path=../a.txt", headers=admin), 404)
    newer = http.put("/v1/artifacts?key=data", content=packed(member("a.txt")), headers=admin).json()
    assert http.get("/v1/artifacts/files?reference=key:data", headers=admin).json()["artifact"]["digest"] == newer["digest"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_mangled_archive_never_ends_in_a_fault(http, admin, data):
    """Given a good archive with some bytes changed or cut, the answer is a yes or a refusal."""
    content = bytearray(packed(member("a/b.txt"), member("c", tarfile.SYMTYPE, "a")))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 1600))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    response = http.put("/v1/artifacts?key=fuzz", content=bytes(content[:cut]), headers=admin)
    assert response.status_code in {201, 400}, response.text
