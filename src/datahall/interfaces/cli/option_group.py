"""Options that several commands share, kept together in a class of their own."""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import fields
from typing import Any, get_type_hints


def takes(group: type[Any], name: str, *, without: Collection[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command whose parameter `name`, a dataclass of the type `group`, is one option for each field of it.

    Fields are `Annotated[type, typer.Option(...)]` with a default. A command takes one group.
    without: fields that are no options of this command.
    """

    def change(command: Callable[..., Any]) -> Callable[..., Any]:
        options = [field for field in fields(group) if field.name not in without]
        names = [field.name for field in options]

        @functools.wraps(command)
        def expanded(*args: Any, **words: Any) -> Any:
            taken = {key: words.pop(key) for key in names if key in words}
            return command(*args, **words, **{name: group(**taken)})

        own = inspect.signature(command, eval_str=True)
        hints = get_type_hints(group, include_extras=True)
        kind = inspect.Parameter.KEYWORD_ONLY
        each = [inspect.Parameter(f.name, kind, default=f.default, annotation=hints[f.name]) for f in options]
        kept = [parameter for key, parameter in own.parameters.items() if key != name]
        expanded.__signature__ = own.replace(parameters=[*kept, *each])  # type: ignore[attr-defined]
        expanded.__annotations__ = {p.name: p.annotation for p in (*kept, *each)} | {"return": own.return_annotation}
        return expanded

    return change
