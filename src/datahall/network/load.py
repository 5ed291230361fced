"""A hall file, read and checked: either everything that a plan or a rehearsal needs, or every problem at once."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath

from datahall.foundation.document import Document, read
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.partial import Partial, partly
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import Catalogue, merged
from datahall.infrastructure.catalog.own import own_parts, sayable
from datahall.infrastructure.checks import Context, problems_of
from datahall.infrastructure.estate import Estate, estate_of, with_draw
from datahall.infrastructure.spec import Fabric, Hall
from datahall.network.catalog.catalogue import NetworkCatalogue, NetworkPartsFile
from datahall.network.checks import problems_of_network
from datahall.network.fabric import FabricBuild, build
from datahall.network.fabric.demand import demand_of
from datahall.network.left_out import LeftOut
from datahall.network.switches import draw_of_switches, standing_in


@dataclass(frozen=True)
class Loaded:
    """A hall with the file that it stands in and the parts that it names."""

    hall: Hall
    document: Document
    folder: FilePath
    """What the paths in the hall file are relative to."""
    catalogue: Catalogue
    network: NetworkCatalogue

    @cached_property
    def estate(self) -> Estate:
        """All that stands in racks; switches draw what the fabrics that they are for make of them."""
        return with_draw(self._as_rated, draw_of_switches(self.fabrics, standing_in(self._as_rated)))

    @cached_property
    def fabrics(self) -> tuple[FabricBuild, ...]:
        """Every fabric, built for the servers that hang on it. Raises Refused where one cannot be."""
        return tuple(self._built(index, fabric) for index, fabric in enumerate(self.hall.fabrics))

    @cached_property
    def _as_rated(self) -> Estate:
        """With every device at what its row says."""
        return estate_of(self.hall, self.catalogue)

    def _built(self, index: int, fabric: Fabric) -> FabricBuild:
        asked, where = demand_of(fabric, self._as_rated), self.document.where(("fabrics", index))
        each = asked.endpoints_per_server
        return build(fabric, servers=asked.servers, endpoints_per_server=each, catalogue=self.network, where=where)

    def says(self, path: Path) -> str | None:
        """`file:line path` where the file itself says something; None where a default stands in."""
        return self.document.where(path) if path in self.document.lines else None


def load(path: FilePath, *, folder: FilePath | None = None) -> Loaded:
    """Read and check a hall file. Raises Missing, or Refused with every problem, each with file:line.

    folder: what the paths in it are relative to; without it, the folder that it lies in.
    """
    part = partly(read(path), Hall)
    if part.spec is None:
        raise Refused(part.problems)
    loaded, more = _with_parts(part.spec, part, path.parent if folder is None else folder)
    if problems := [*part.problems, *_not_by_our_hand(part, more, loaded)]:
        raise Refused(_in_file_order(problems))
    return loaded


def load_all(paths: Iterable[FilePath]) -> list[Loaded]:
    """Several hall files. Raises Refused with every problem of every one of them."""
    loaded, problems = list[Loaded](), list[Problem]()
    for path in paths:
        try:
            loaded.append(load(path))
        except (Missing, Refused) as error:
            problems += error.problems
    if problems:
        raise Refused(problems)
    return loaded


def _with_parts(hall: Hall, part: Partial[Hall], folder: FilePath) -> tuple[Loaded, list[Problem]]:
    own, problems = own_parts(hall, folder, part.where)
    rows, more = _own_network_parts(hall, folder)
    # Both floors read the same file: what neither knows, both say.
    told = {(problem.code, problem.where) for problem in problems}
    network = NetworkCatalogue(rows)
    catalogue = Catalogue(own, network.devices())
    found = [*problems, *(problem for problem in more if (problem.code, problem.where) not in told)]
    return Loaded(hall, part.document, folder, catalogue, network), found


def _own_network_parts(hall: Hall, folder: FilePath) -> tuple[NetworkPartsFile, list[Problem]]:
    """Switches, cables and links of the hall's own files, as far as they hold. What is no file at all is told elsewhere."""
    files, problems = [], list[Problem]()
    for name in dict.fromkeys(hall.catalog):
        with contextlib.suppress(Missing, Refused):
            read_part = partly(read(folder / name), NetworkPartsFile)
            files.append(read_part.spec or NetworkPartsFile())
            problems += sayable(read_part.problems, folder, name)
    return merged(NetworkPartsFile, files), problems


def _not_by_our_hand(part: Partial[Hall], found: list[Problem], loaded: Loaded) -> list[Problem]:
    """What the rules say, less what only says that we left something out."""
    left_out, places = LeftOut(part), dict[str, Path]()

    def where(path: Path) -> str:
        text = part.where(path)
        places[text] = part.in_file(path)
        return text

    context = Context(loaded.hall, loaded.catalogue, loaded.folder, where, left_out.holds)
    problems = [*found, *problems_of(context), *problems_of_network(context, loaded.network)]
    return [problem for problem in problems if not left_out.explains(problem, places.get(problem.where))]


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=_line)


def _line(problem: Problem) -> tuple[str, int]:
    file, _, rest = problem.where.partition(" ")[0].rpartition(":")
    with contextlib.suppress(ValueError):
        return (file, int(rest))
    return (problem.where, 0)
