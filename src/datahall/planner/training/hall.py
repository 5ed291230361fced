"""What a hall gives to a run: its servers' draw, its checkpoint storage, its year, and what it costs and emits."""

from dataclasses import dataclass, replace

from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.estate import Content, Estate, node_peak_w
from datahall.infrastructure.storage.bandwidth import read_bandwidth, write_bandwidth
from datahall.infrastructure.storage.demand import fastest, tiers_for, write_speed
from datahall.infrastructure.storage.tier import Tier
from datahall.network.fabric.demand import ports_of
from datahall.planner.facility import FacilityYear, facility_year
from datahall.planner.load import Loaded
from datahall.planner.plan import Plan
from datahall.planner.training.cluster import Kind


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the run, W at its inlets, caps applied."""

    name: str
    peak_w: float
    idle_w: float
    accelerators: int


@dataclass(frozen=True, slots=True)
class Storage:
    """Where checkpoints go, and what one server gets into it (None: no storage fabric is declared)."""

    tier: Tier
    write_bytes_per_s: float
    read_bytes_per_s: float
    server_bytes_per_s: float | None

    def write_s(self, size_bytes: float, servers: int) -> float:
        return size_bytes / self._lower(self.write_bytes_per_s, servers)

    def read_s(self, size_bytes: float, servers: int) -> float:
        return size_bytes / self._lower(self.read_bytes_per_s, servers)

    def _lower(self, tier_bytes_per_s: float, servers: int) -> float:
        return min(tier_bytes_per_s, servers * self.server_bytes_per_s) if self.server_bytes_per_s else tier_bytes_per_s


@dataclass(frozen=True)
class Home:
    """The hall of the run."""

    loaded: Loaded
    plan: Plan
    kind: Kind
    server: Server | None
    """None where nothing says what a machine draws."""
    storage: Storage | None
    """None where no tier with known facts takes checkpoints."""
    others_w: float
    """Draw of all IT equipment that holds no accelerators, at the hall's own utilisation: switches, storage, management."""

    @property
    def availability(self) -> float:
        """Share of the time in which power and cooling hold, as the hall's plan has it; 1 where that was not computed."""
        return self.plan.figures.value("availability") or 1.0

    @property
    def accelerators(self) -> int:
        """Of the hall, all kinds."""
        return self.loaded.estate.accelerators

    def year_at(self, utilisation_ratio: float, accelerators: int) -> FacilityYear:
        """The hall's year while so many accelerators work so hard, all hours alike, and the others as declared."""
        hall, share = self.loaded.hall, accelerators / self.accelerators
        mean = share * utilisation_ratio + (1 - share) * hall.operation.utilisation_ratio
        steady = {"utilisation_ratio": min(1.0, mean), "daily_profile": (), "weekly_profile": ()}
        busy = hall.model_copy(update={"operation": hall.operation.model_copy(update=steady)})
        return facility_year(
            busy,
            self.loaded.estate,
            self.loaded.catalogue,
            self.loaded.folder,
            weather=self.plan.year.weather,
            more_it_w=self.plan.network.not_placed_w,
        )


def home_of(loaded: Loaded, plan: Plan, kind: Kind) -> Home:
    """The hall as a run on this kind of accelerators sees it."""
    return Home(loaded, plan, kind, server_of(loaded, kind), storage_of(loaded, kind), _others_w(loaded, plan))


def server_of(loaded: Loaded, kind: Kind) -> Server | None:
    """None where nothing says what a machine draws."""
    if kind.part is None:
        peaks = [node_peak_w(node) for node in kind.nodes]
        if not all(peaks):
            return None
        peak_w = sum(peak or 0.0 for peak in peaks) / len(peaks)
        return Server("machine", peak_w, loaded.estate.idle_w / loaded.estate.peak_w * peak_w, kind.per_server)
    held = [(count, content) for count, content in _held(loaded.estate) if content.device.name == kind.part.name]
    count = sum(number for number, _ in held)
    peak_w = sum(number * content.peak_w for number, content in held) / count
    return Server(kind.part.name, peak_w, sum(number * content.idle_w for number, content in held) / count, kind.per_server)


def storage_of(loaded: Loaded, kind: Kind) -> Storage | None:
    """The tier for checkpoints that writes fastest."""
    tier = fastest(tiers_for("checkpoints", loaded.hall.storage, loaded.catalogue), write_speed)
    if tier is None:
        return None
    return Storage(tier, write_bandwidth(tier).bytes_per_s, read_bandwidth(tier).bytes_per_s, _into_storage(loaded, kind))


def faster(storage: Storage, factor: float) -> Storage:
    """A tier that writes and reads so much faster; what servers get into it stays."""
    return replace(
        storage,
        write_bytes_per_s=factor * storage.write_bytes_per_s,
        read_bytes_per_s=factor * storage.read_bytes_per_s,
    )


def _into_storage(loaded: Loaded, kind: Kind) -> float | None:
    """Of one server, bytes/s, one direction."""
    fabric = next((fabric for fabric in loaded.hall.fabrics if fabric.purpose == "storage"), None)
    if fabric is None or kind.part is None:
        return None
    return (fabric.endpoints_per_server or ports_of(kind.part, fabric)) * fabric.link_bits_per_s / 8 or None


def _others_w(loaded: Loaded, plan: Plan) -> float:
    load = loaded.hall.operation.utilisation_ratio
    others = ((count, content) for count, content in _held(loaded.estate) if not _accelerated(content))
    in_racks = sum(count * (content.idle_w + (content.peak_w - content.idle_w) * load) for count, content in others)
    return in_racks + plan.network.not_placed_w


def _accelerated(content: Content) -> bool:
    return isinstance(content.device, ServerPart) and bool(content.device.accelerators)


def _held(estate: Estate) -> list[tuple[int, Content]]:
    """Devices of each entry, over all its racks."""
    return [(len(block.names) * content.count, content) for block in estate.blocks for content in block.contents]
