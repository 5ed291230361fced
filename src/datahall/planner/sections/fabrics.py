"""One fabric as built: its sizes, switches, links and draw, each with what it was counted from."""

from collections.abc import Iterator

from datahall.network.fabric import FabricBuild
from datahall.network.fabric.build import Cabling
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger

CHOICES = (
    "rails",
    "oversubscription",
    "tiers",
    "servers_per_unit",
    "endpoints_per_router",
    "routers_per_group",
    "global_links_per_router",
    "manager_links",
)
"""Fields of a fabric that its counts follow from, as far as its topology has them."""


def add_fabric(ledger: Ledger, index: int, fabric: FabricBuild, placed: int) -> Figure:
    """Figures of one fabric; gives the draw that no rack has. placed: how many of its switches stand in racks of the file.

    Names are `fabric.<name as declared>.<what>`: what never holds a dot, so two fabrics never share one.
    """
    sizes = _sizes(ledger, index, fabric)
    tiers = [_tier(ledger, fabric, n, sizes) for n in range(len(fabric.tiers))]
    bought = [t for t, tier in zip(tiers, fabric.tiers, strict=True) if not tier.integrated]
    name = f"fabric.{fabric.name}"
    switches = ledger.computed(
        f"{name}.switches", fabric.switches, "1", formula="Σ tiers that are bought", inputs=bought or sizes, about="switches"
    )
    _add_links(ledger, fabric, [*tiers, *sizes])
    power = _power(ledger, fabric, switches)
    standing = ledger.given(f"{name}.switches_in_racks", placed, "1", source="racks[].contents, fabrics served in their order")
    left_ratio = 1 - placed / fabric.switches if fabric.switches else 1.0
    return ledger.computed(
        f"{name}.power_not_placed_w",
        fabric.power_w * left_ratio,
        "W",
        inputs=[power, standing, switches],
        formula="power × (1 − switches in racks / switches)",
        about="draw that no rack of the file has",
    )


def _sizes(ledger: Ledger, index: int, fabric: FabricBuild) -> list[Figure]:
    """Endpoints, radix, and the choices that its topology has."""
    name, spec = f"fabric.{fabric.name}", fabric.fabric
    servers = ledger.given(f"{name}.servers", fabric.servers, "1", source="racks[].contents: servers with ports for it")
    if spec.endpoints_per_server is None:
        source = "catalogue rows of its servers"
        each = ledger.given(f"{name}.ports_of_one_server", fabric.endpoints_per_server, "1", source=source)
    else:
        path = ("fabrics", index, "endpoints_per_server")
        each = ledger.declared(f"{name}.ports_of_one_server", path, fabric.endpoints_per_server, "1")
    endpoints = ledger.computed(
        f"{name}.endpoints", fabric.endpoints, "1", formula="servers × ports of one", inputs=[servers, each], about="ports"
    )
    choices = [
        ledger.declared(f"{name}.{choice}", ("fabrics", index, choice), value, "1")
        for choice in CHOICES
        if (value := getattr(spec, choice, None)) is not None
    ]
    return [endpoints, _radix(ledger, index, fabric), *choices, *_dimensions(ledger, index, fabric)]


def _dimensions(ledger: Ledger, index: int, fabric: FabricBuild) -> list[Figure]:
    axes = getattr(fabric.fabric, "dimensions", ())
    name = f"fabric.{fabric.name}.dimension"
    return [ledger.declared(f"{name}_{n}", ("fabrics", index, "dimensions", n), axis, "1") for n, axis in enumerate(axes)]


def _radix(ledger: Ledger, index: int, fabric: FabricBuild) -> Figure:
    name, switch = f"fabric.{fabric.name}", fabric.switch
    rate = fabric.link_bits_per_s
    inputs = [
        ledger.looked_up(f"{name}.ports_of_one_switch", switch.ports, "1", switch),
        ledger.looked_up(f"{name}.port_bits_per_s", switch.port_bits_per_s, "bit/s", switch),
        ledger.looked_up(f"{name}.port_splits_into", switch.splits_into, "1", switch),
        ledger.declared(f"{name}.link_bits_per_s", ("fabrics", index, "link_bits_per_s"), rate, "bit/s"),
    ]
    formula = "ports × min(splits into, ⌊port rate / link rate⌋)"
    return ledger.computed(
        f"{name}.radix", fabric.radix, "1", formula=formula, inputs=inputs, about="links that one switch has at this rate"
    )


def _tier(ledger: Ledger, fabric: FabricBuild, number: int, sizes: list[Figure]) -> Figure:
    tier, topology = fabric.tiers[number], fabric.fabric.topology.replace("_", " ")
    return ledger.computed(
        f"fabric.{fabric.name}.{tier.name}_switches",
        tier.switches,
        "1",
        formula=f"closed form of the {topology}, from endpoints, radix and its choices",
        inputs=sizes,
        about=f"{tier.name} switches",
        source=f"fabric {fabric.name}: {fabric.fabric.topology}",
    )


def _add_links(ledger: Ledger, fabric: FabricBuild, inputs: list[Figure]) -> None:
    name = f"fabric.{fabric.name}"
    topology = fabric.fabric.topology.replace("_", " ")
    bundles = [
        ledger.computed(
            f"{name}.{bundle.name}_links",
            bundle.links,
            "1",
            formula=f"closed form of the {topology}, from its tiers and endpoints",
            inputs=inputs,
            about=f"links {bundle.name}",
        )
        for bundle in fabric.bundles
    ]
    ledger.computed(f"{name}.links", fabric.links, "1", formula="Σ bundles", inputs=bundles, about="links at line rate")


def _power(ledger: Ledger, fabric: FabricBuild, switches: Figure) -> Figure:
    """Bare switches and their optics where every link has its cable, else the row's maximum."""
    name, switch = f"fabric.{fabric.name}", fabric.switch
    bare_w = switch.bare_power_w if fabric.is_cabled else None
    what = "without optics" if bare_w else "with the strongest optics in all its cages"
    one = ledger.looked_up(f"{name}.power_of_one_switch_w", bare_w or switch.peak_power_w, "W", switch, what)
    optics = [figure for cabling in fabric.cabling for figure in _optics(ledger, fabric, cabling)] if bare_w else []
    formula = "switches × power of one + Σ optics in switches × power of one" if optics else "switches × power of one"
    about = f"fabric {fabric.name}, optics included; the same at any load"
    return ledger.computed(
        f"{name}.power_w", fabric.power_w, "W", formula=formula, inputs=[switches, one, *optics], about=about
    )


def _optics(ledger: Ledger, fabric: FabricBuild, cabling: Cabling) -> Iterator[Figure]:
    """Count and draw of the ends that are in switches."""
    choice, bundle = cabling.choice, cabling.bundle
    if choice is None or not bundle.switch_ends:
        return
    links = ledger.figures[f"fabric.{fabric.name}.{bundle.name}_links"]
    for end, part in (("upper", choice.upper), ("lower", choice.lower))[: bundle.switch_ends]:
        name = f"fabric.{fabric.name}.{bundle.name}_{end}_optics"
        each = ledger.looked_up(f"{name}_links_of_one", part.links, "1", part)
        yield ledger.computed(
            name, -(-bundle.links // part.links), "1", formula="⌈links / links of one⌉", inputs=[links, each], about=part.name
        )
        yield ledger.looked_up(f"{name}_w", part.power_w, "W", part, f"one end, {part.name}")
