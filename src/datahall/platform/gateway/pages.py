"""What the gateway tells about endpoints: Open Inference Protocol metadata, and how a person calls a model."""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from datahall.foundation.errors import Missing, Problem, Unavailable
from datahall.platform.gateway.endpoint import LiveEndpoint
from datahall.platform.gateway.ports import Caller
from datahall.platform.gateway.replies import Reply, UnknownPath, json_reply

_MODEL_PATH = re.compile(r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<tail>/infer|/ready)?/?")
_PREDICT_PATH = re.compile(r"/predict/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?/?(?P<tail>)")
_PATHS = "/v2/models, /v2/models/NAME, /v2/models/NAME/infer, /predict/NAME"


class Target(NamedTuple):
    """What a path names."""

    name: str
    version: str | None
    tail: str
    is_plain: bool


def parsed_path(path: str) -> Target:
    """The endpoint, version and verb in a path. Raises UnknownPath."""
    for pattern, is_plain in ((_MODEL_PATH, False), (_PREDICT_PATH, True)):
        if match := pattern.fullmatch(path):
            return Target(match["name"], match["version"], match["tail"] or "", is_plain)
    raise UnknownPath(Problem("GATE-013", path[:200], "is no path of the gateway", f"the paths are {_PATHS}"))


def found_endpoint(endpoints: Mapping[str, LiveEndpoint], name: str, caller: Caller) -> LiveEndpoint:
    """The caller's endpoint of that name. Raises Missing with the near matches, also when it is another tenant's."""
    endpoint = endpoints.get(name)
    if endpoint is not None and caller.may_use(endpoint.spec.tenant):
        return endpoint
    own = sorted(endpoint.spec.name for endpoint in endpoints.values() if caller.may_use(endpoint.spec.tenant))
    close = difflib.get_close_matches(name, own, n=3)
    near = f"did you mean {' or '.join(close)}?" if close else f"your endpoints: {', '.join(own[:10]) or 'none yet'}"
    raise Missing(Problem("GATE-010", f"models/{name[:80]}", "you have no endpoint of this name", near))


def found_version(endpoint: LiveEndpoint, version: str | None) -> int | None:
    """The number that a version's name stands for; None stands for none named. Raises Missing."""
    if version is None:
        return None
    names = endpoint.spec.version_names()
    if version in names and names[version] in endpoint.pools:
        return names[version]
    where = f"models/{endpoint.spec.name}/versions/{version[:80]}"
    raise Missing(Problem("GATE-011", where, "is not served here", f"it serves {', '.join(sorted(names))}"))


def model_page(endpoint: LiveEndpoint, version: int | None) -> Reply:
    """OIP model metadata. Raises Unavailable before the first replica was ready."""
    description = _description(endpoint, version)
    numbers = [str(row.version) for row in endpoint.spec.versions]
    kept = {key: description[key] for key in ("platform", "inputs", "outputs")}
    return json_reply({"name": endpoint.spec.name, "versions": numbers if version is None else [str(version)], **kept})


def ready_page(endpoint: LiveEndpoint, version: int | None) -> Reply:
    """200 when a request would be answered now. Raises Unavailable otherwise."""
    if endpoint.is_ready if version is None else endpoint.pools[version].links:
        return json_reply({"name": endpoint.spec.name, "ready": True})
    raise _not_ready(endpoint, version)


def models_page(endpoints: Mapping[str, LiveEndpoint], caller: Caller) -> Reply:
    """The caller's endpoints."""
    own = [endpoint for endpoint in endpoints.values() if caller.may_use(endpoint.spec.tenant)]
    rows = [
        {
            "name": endpoint.spec.name,
            "tenant": endpoint.spec.tenant,
            "ready": endpoint.is_ready,
            "versions": [{"version": str(row.version), "weight": row.weight} for row in endpoint.spec.versions],
        }
        for endpoint in sorted(own, key=lambda endpoint: endpoint.spec.name)
    ]
    return json_reply({"models": rows})


def help_page(endpoint: LiveEndpoint, version: int | None, base_url: str) -> Reply:
    """How to call the model, with a body that works. Raises Unavailable before the first replica was ready."""
    description = _description(endpoint, version)
    suffix = "" if version is None else f"/versions/{version}"
    url = f"{base_url}/predict/{endpoint.spec.name}{suffix}"
    body = {"input": description["example"]} if description["example"] is not None else {"input": "..."}
    return json_reply(
        {
            "name": endpoint.spec.name,
            "versions": [str(row.version) for row in endpoint.spec.versions],
            "task": description["task"],
            "inputs": description["inputs"],
            "outputs": description["outputs"],
            "labels": description["labels"],
            "how": "POST one sample or a list of samples as `input`; `top_k` says how many labels to return",
            "curl": _curl(url, body),
            "example": body,
            "open_inference_protocol": f"{base_url}/v2/models/{endpoint.spec.name}{suffix}/infer",
        }
    )


def _curl(url: str, body: dict[str, Any]) -> str:
    text = json.dumps(body, separators=(",", ":")).replace("'", "'\\''")
    return f"curl -s {url} -H \"Authorization: Bearer $DATAHALL_TOKEN\" -H 'Content-Type: application/json' -d '{text}'"


def _description(endpoint: LiveEndpoint, version: int | None) -> dict[str, Any]:
    pool = endpoint.pools[endpoint.spec.leading.version if version is None else version]
    if not pool.description:
        raise _not_ready(endpoint, version)
    return pool.description


def _not_ready(endpoint: LiveEndpoint, version: int | None) -> Unavailable:
    numbers = [row.version for row in endpoint.spec.versions] if version is None else [version]
    faults = [fault for number in numbers if (fault := endpoint.pools[number].fault)]
    what = "has no ready replica: " + ("; ".join(faults) or "none has started yet")
    where = f"models/{endpoint.spec.name}"
    return Unavailable(Problem("GATE-047", where, what, "try again in a moment; `datahall endpoints` says what it waits for"))
