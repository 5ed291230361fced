from typing import Annotated, Literal

from pydantic import Field, model_validator

from datahall.foundation.paths import dotted_path, fields_of, place_of
from datahall.foundation.spec import Spec


class Cat(Spec):
    kind: Literal["cat"]
    cat: int
    """Named like its own tag, on purpose."""


class Dog(Spec):
    kind: Literal["dog", "puppy"]
    legs: tuple[int, ...]


class Fox(Spec):
    den: str

    @model_validator(mode="after")
    def _any(self) -> "Fox":
        return self


class Zoo(Spec):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="kind")], ...] = ()
    named: dict[str, Cat | None]
    loose: Cat | Fox | None = None


def test_tags_are_left_out_and_choose_the_branch() -> None:
    """Given locations through tagged unions, the path is what a user wrote and the model is the chosen one."""
    place = place_of(Zoo, ("pet", "puppy", "legs", 2))
    assert (place.path, place.in_union) == (("pet", "legs", 2), False)
    assert place_of(Zoo, ("pets", 3, "dog", "legs")).path == ("pets", 3, "legs")
    assert fields_of(place_of(Zoo, ("pets", 3, "dog")).models) == ["kind", "legs"]


def test_a_field_with_the_name_of_its_tag_is_kept() -> None:
    """Given a cat whose field is called cat, only the tag is left out."""
    assert place_of(Zoo, ("pet", "cat", "cat")).path == ("pet", "cat")


def test_plain_unions_name_their_branches_by_class() -> None:
    """Given an untagged union, the class names, also inside validators, are not part of the path."""
    assert place_of(Zoo, ("loose", "Cat", "zzz")).path == ("loose", "zzz")
    assert place_of(Zoo, ("loose", "function-after[_any(), Fox]", "den")).path == ("loose", "den")


def test_keys_of_a_dictionary_belong_to_the_path() -> None:
    """Given a mapping of names, its keys are the user's own words."""
    place = place_of(Zoo, ("named", "tom", "cat"))
    assert place.path == ("named", "tom", "cat")
    assert fields_of(place_of(Zoo, ("named", "tom")).models) == ["kind", "cat"]


def test_dotted_path() -> None:
    """Given a path, it reads like one in Python."""
    assert dotted_path(("racks", 3, "name")) == "racks[3].name"
    assert dotted_path(()) == ""
