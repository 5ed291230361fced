import hashlib
import http.server
import threading

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.data import places
from datahall.models.data.spec import Download

CONTENT = b"what the recipe asks for"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATAHALL_SHARED", raising=False)
    return tmp_path / "home"


@pytest.fixture
def server():
    """A web server on the loopback that knows one file."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/good" else 404)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def download(*urls, sha256=SHA256) -> Download:
    return Download(file="d.bin", urls=urls, sha256=sha256)


def test_beside_the_recipe_first_then_shared_data(tmp_path, monkeypatch):
    """Given the file beside the recipe and in DATAHALL_SHARED, the one beside the recipe counts."""
    for folder in ("recipe", "shared"):
        (tmp_path / folder / "data").mkdir(parents=True)
        (tmp_path / folder / "data/d.bin").write_bytes(CONTENT)
    monkeypatch.setenv("DATAHALL_SHARED", str(tmp_path / "shared"))
    here = tmp_path / "recipe/data/d.bin"
    assert places.find("data/d.bin", folder=tmp_path / "recipe") == here
    here.unlink()
    assert places.find("data/d.bin", folder=tmp_path / "recipe") == tmp_path / "shared/data/d.bin"


def test_what_stands_nowhere_is_missing_with_every_place(tmp_path, monkeypatch):
    """Given a file that is not there, the problem lists where it was looked for, and speaks of DATAHALL_SHARED if unset."""
    with pytest.raises(Missing, match=r"DATA-002 there is no such file: looked for .*/d\.bin\. .*set DATAHALL_SHARED"):
        places.find("d.bin", folder=tmp_path)
    monkeypatch.setenv("DATAHALL_SHARED", "/shared")
    with pytest.raises(Missing, match=r"looked for .*/d\.bin or /shared/d\.bin"):
        places.find("d.bin", folder=tmp_path)


def test_a_file_put_into_the_cache_by_hand_is_found(tmp_path):
    """Given no network, a file put where the message said is found."""
    wanted = download("http://127.0.0.1:9/d.bin")
    places.kept_at(wanted).parent.mkdir(parents=True)
    places.kept_at(wanted).write_bytes(CONTENT)
    assert places.find("data/d.bin", folder=tmp_path, downloads=[wanted]) == places.kept_at(wanted)


def test_a_file_is_downloaded_once(tmp_path, server):
    """Given two URLs of which the first is dead, the second provides the file, and it is kept."""
    wanted = download(f"{server}/bad", f"{server}/good")
    path = places.find("d.bin", folder=tmp_path, downloads=[wanted])
    assert path.read_bytes() == CONTENT
    assert places.find("d.bin", folder=tmp_path, downloads=[download("http://127.0.0.1:9/gone")]) == path


def test_a_download_with_other_bytes_is_not_kept(tmp_path, server):
    """Given a server whose file has another checksum, nothing is kept and the message says so."""
    wanted = download(f"{server}/good", sha256="0" * 64)
    with pytest.raises(Missing, match=r"downloading failed .*does not match the known hash"):
        places.find("d.bin", folder=tmp_path, downloads=[wanted])
    assert not places.kept_at(wanted).exists()


def test_offline_the_message_says_what_to_put_where(tmp_path):
    """Given no network, the problem names the URLs, the checksum and the place."""
    wanted = download("http://127.0.0.1:9/d.bin")
    with pytest.raises(Missing, match=r"DATA-002 .*downloading failed") as caught:
        places.find("d.bin", folder=tmp_path, downloads=[wanted])
    [problem] = caught.value.problems
    assert problem.fix == f"get it from http://127.0.0.1:9/d.bin, SHA-256 {SHA256}, and put it at {places.kept_at(wanted)}"


def test_a_local_file_with_other_bytes_is_refused(tmp_path):
    """Given a file beside the recipe that is not the declared one, the problem has both checksums."""
    (tmp_path / "d.bin").write_bytes(b"other")
    with pytest.raises(Refused, match=f"DATA-004 its SHA-256 is .*, but the recipe declares {SHA256}"):
        places.find("d.bin", folder=tmp_path, downloads=[download("http://127.0.0.1:9/d.bin")])


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_names_that_cannot_be_paths_are_refused(tmp_path, name):
    """Given a name with a NUL or of five thousand letters, it is refused, not a traceback."""
    with pytest.raises((Refused, Missing), match="DATA-002"):
        places.find(name, folder=tmp_path)


def test_without_a_home_the_users_data_folder_is_used(monkeypatch):
    """Given no DATAHALL_HOME, downloads go below the user's data folder."""
    monkeypatch.delenv("DATAHALL_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert str(places.cache_folder()) == "/xdg/datahall/cache"
