"""What `make run` does: platform up, a recipe run, the served model asked."""

import json
from pathlib import Path
from typing import Any

from datahall.foundation import document
from datahall.interfaces.cli.output import out, say
from datahall.interfaces.client import Client, connect
from datahall.interfaces.lifecycle import start_detached
from datahall.interfaces.recipes import RecipeResult, run_recipe, wait_until_served
from datahall.models.recipe import Recipe
from datahall.platform.home import Home


def quickstart(path: Path, *, host: str = "127.0.0.1", port: int = 8700) -> bool:
    """From nothing to an answer over HTTP; whether it worked. Raises like `run_recipe` and `start_detached`."""
    recipe = document.load(path, Recipe)
    home = Home.from_environment()
    home.prepare()
    say("starting the platform …")
    url = start_detached(home, host=host, port=port)
    say(f"running {path} …")
    result = run_recipe(path)
    if not result.succeeded or recipe.deploy is None:
        for line in result.lines():
            out.print(line, markup=False)
        return result.succeeded
    client = connect(home)
    say("waiting for the model to be served …")
    wait_until_served(client, recipe.deploy.endpoint, version_of=result.bundle)
    _show(client, url, home, recipe.deploy.endpoint, result)
    return True


def _show(client: Client, url: str, home: Home, endpoint: str, result: RecipeResult) -> None:
    example, label = _example(client, result.bundle)
    answer = client.post(f"/predict/{endpoint}", {"input": example})
    out.print()
    for line in result.lines():
        out.print(line, markup=False)
    if isinstance(example[0], list) and not isinstance(example[0][0], list):
        out.print(_drawn(example), markup=False)
    out.print(f"the served model says: {_said(answer)}" + (f" (it is a {label})" if label else ""), markup=False)
    token = home.admin_token_file
    out.print(f'how to ask it: curl -s -H "Authorization: Bearer $(cat {token})" {url}/predict/{endpoint}', markup=False)
    out.print(f"API: {url}/docs    jobs: datahall jobs    stop it: datahall down", markup=False)


def _example(client: Client, bundle: str) -> tuple[list[Any], str]:
    response = client.call("GET", "/v1/artifacts/file", params={"reference": f"sha256:{bundle}", "path": "bundle.json"})
    data = json.loads(response.content)
    return data["example"], str(data.get("example_label", ""))


def _said(answer: dict[str, Any]) -> str:
    first = answer["predictions"][0] if "predictions" in answer else answer
    return f"{first['label']} with probability {first['probability']:.3f}" if "label" in first else json.dumps(first)


def _drawn(image: list[list[float]]) -> str:
    """A small grey image in block characters."""
    top = max((max(row) for row in image), default=1) or 1
    shades = " ░▒▓█"
    return "\n".join("  " + "".join(shades[min(4, int(4 * value / top + 0.5))] * 2 for value in row) for row in image)
