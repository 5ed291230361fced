"""The machine that a row names in its own words: which accelerator, how many in a domain, which ports of the network."""

import functools
import re
from dataclasses import dataclass, replace

from datahall.foundation.errors import DatahallError
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.models.parallel.communication import Cluster, cluster_of

GIB = 2**30
NO_NETWORK = "no network named"
ALIASES: tuple[tuple[str, str], ...] = (
    (r"\bGB300\b", "GB300"),
    (r"\bGB200\b", "GB200"),
    (r"\bB300\b", "B300"),
    (r"\bB200\b", "B200"),
    (r"\bGH200\b", "GH200"),
    (r"\bH200\b.*\bNVL\b(?!\d)", "H200 NVL"),
    (r"\bH200\b", "H200"),
    (r"\bH800\b", "H800"),
    (r"\bH100\b.*\bPCI", "H100 PCIe"),
    (r"\bH100\b.*\bNVL\b(?!\d)", "H100 NVL"),
    (r"\bH100\b", "H100 80GB HBM3"),
    (r"\bA800\b", "A800-SXM4-80GB"),
    (r"\bA100\b.*\b40\s?G.*\bPCI|\bA100\b.*\bPCI.*\b40\s?G", "A100-PCIE-40GB"),
    (r"\bA100\b.*\bPCI", "A100 80GB PCIe"),
    (r"\bA100\b[^,;(]*\b40\s?G", "A100-SXM4-40GB"),
    (r"\bA100\b", "A100-SXM4-80GB"),
    (r"\bV100\b", "V100-SXM2-32GB"),
    (r"\bMI250X?\b", "MI250X"),
    (r"\bMI300X?\b", "MI300X"),
    (r"\bMI325X?\b", "MI325X"),
    (r"\bMI355X?\b", "MI355X"),
    (r"\bRTX\s?4090\b|\b4090\b", "RTX 4090"),
    (r"\bAscend\s?910B?\b", "Ascend 910B"),
    (r"\bGaudi\s?2\b", "Gaudi2"),
    (r"\bGaudi\s?3\b", "Gaudi3"),
)
"""Words of people for the catalogue's rows; the first that stands in the text counts."""
PORTS: dict[str, tuple[float, int]] = {
    "volta": (100e9, 4), "turing": (100e9, 1), "ampere": (200e9, 8), "hopper": (400e9, 8), "blackwell": (400e9, 8),
    "cdna": (400e9, 8), "gaudi": (200e9, 8),
}  # fmt: skip
"""Where a row tells no network: bit/s of a port of the generation, and ports of a server of eight. DGX-1, DGX A100, DGX H100
and DGX B200 data sheets; others are taken as ampere."""
GENERATIONS = {"EDR": 100e9, "HDR": 200e9, "NDR": 400e9, "XDR": 800e9}
PART_RATIO = (1.1, 1.5)
"""Between these, a size in a row's words over the catalogue's is that of another part of the same chip."""
_RATE = r"(\d+(?:\.\d+)?)\s*([GT])b(?:it|ps)?(?:/s)?"
_EACH = re.compile(rf"{_RATE}\s*(?:/|per\s+|a\s+|each\s+)\s*(?:GPU|accelerator|device)", re.ASCII)
_COUNTED = re.compile(rf"(\d+)\s*[x×]\s*(?:[A-Za-z][\w-]*\s+)?{_RATE}", re.ASCII)
_NODE = re.compile(rf"{_RATE}[\w\s-]*(?:/|\bper\s|\ba\s)\s*(?:node|server|host)", re.ASCII)
_BARE = re.compile(rf"(?<![\w.]){_RATE}(?!\w)", re.ASCII)
_LANES = re.compile(r"(?:(\d+)\s*[x×]\s*|(?<![A-Za-z]))(EDR|HDR|NDR|XDR)(?:100|200|400|800)?\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a row runs on."""

    cluster: Cluster
    memory_bytes: float
    """Of one accelerator."""
    assumed: tuple[str, ...]
    """What the row does not say, or says and is not counted."""


@functools.cache
def machine_of(hardware: str, *, alone: bool = False) -> Machine:
    """The machine of a row's cell. Raises Missing, KERN-001 or STEP-002, which say what facts are needed.

    alone: whether one accelerator runs it all, so that no links need be known.
    """
    name, told, assumed = accelerator_named(hardware), _nic(hardware), list[str]()
    found = cluster_of(name, nic_bytes_per_s=1.0, per_domain=1 if alone else _domain(hardware))
    nic_bits = told if told is not None else _usual_nic(found.device.architecture, assumed)
    device, changed = found.device, []
    if rate := re.search(r"(\d(?:\.\d+)?)\s?TB/s", hardware, re.ASCII):
        device = replace(device, memory_bytes_per_s=float(rate[1]) * 1e12)
        changed.append(f"memory at {rate[1]} TB/s")
    memory = device_bytes_of(hardware) or device.memory_bytes
    if power := re.search(r"\b(\d{3,4})\s?W\b", hardware, re.ASCII):
        row = row_for(name, accelerator_rows())
        if row is not None and row.tdp_w and float(power[1]) < 0.95 * row.tdp_w:
            assumed.append(f"limit of {power[1]} W, below {row.tdp_w:g} W of {device.name}: the clock lowered by its cube root")
            device = replace(device, limit_w=float(power[1]))
    assumed += [f"{device.name} with {', '.join(changed)}, as the row says"] if changed else []
    protocol = "roce_v2" if re.search(r"RoCE|Ethernet|\bEFA\b|\d+GbE\b", hardware, re.IGNORECASE) else "infiniband"
    cluster = replace(found, device=device, nic_bytes_per_s=nic_bits / 8, protocol=protocol)
    return Machine(cluster, memory, tuple(assumed))


def accelerator_named(hardware: str) -> str:
    """The catalogue's name for a row's words, or these words without what stands in brackets."""
    row = row_for(hardware, accelerator_rows())
    alias = next((name for pattern, name in ALIASES if re.search(pattern, hardware, re.ASCII | re.IGNORECASE)), None)
    if row is not None and (alias is None or hardware.lower().startswith(row.name.lower())):
        return row.name
    return alias or re.split(r"[(,;]", hardware)[0].strip() or "(nothing)"


def device_bytes_of(hardware: str) -> float | None:
    """Memory of the device that a row names; None where neither its words nor the catalogue tell.

    A size that stands with the device's name counts: `H100-SXM 96GB` is a part of its own. One much larger than any such part
    is the server's or the host's (`640GB per node`, `GH200-480GB`), and one just above the catalogue's is the chip's before its
    reserve (`B200 192GB`): then the catalogue counts.
    """
    row = row_for(accelerator_named(hardware), accelerator_rows())
    told = re.search(r"^[^,;(]*?\b(\d{2,3})\s?GB\b(?!/s)(?!\s*(?:per|a|/|RAM|DDR|in all|total))", hardware, re.ASCII)
    if row is None:
        return float(told[1]) * GIB if told else None
    ratio = float(told[1]) * GIB / row.memory_bytes if told else 1.0
    return float(row.memory_bytes) * (ratio if ratio < 1 or PART_RATIO[0] < ratio < PART_RATIO[1] else 1.0)


def _domain(hardware: str) -> int | None:
    """Accelerators of one scale-up domain where the words tell: `NVL72`, `8/node`, `4 per node`; None where they do not."""
    if rack := re.search(r"NVL[ -]?(\d{1,3})\b", hardware, re.ASCII):
        return max(1, int(rack[1]))
    told = re.search(r"(?<![\dxX.])(\d{1,2})\s?(?:GPUs?\s*)?(?:/|per |a )\s?(?:node|server)", hardware, re.ASCII)
    return max(1, int(told[1])) if told else None


def _per_server(hardware: str) -> int:
    """Accelerators that share a server's ports: four in a GB200 or GB300 tray, otherwise eight, or as the words say."""
    if re.search(r"\bGB[23]00\b", hardware):
        return 4
    return min(_domain(hardware) or 8, 16)


def _nic(hardware: str) -> float | None:
    """Each accelerator's share of its server's ports, bit/s; None where the words tell none."""
    share = _per_server(hardware)
    if each := _EACH.search(hardware):
        return _bits(each[1], each[2])
    if counted := _COUNTED.search(hardware):
        return int(counted[1]) * _bits(counted[2], counted[3]) / share
    if node := _NODE.search(hardware):
        return _bits(node[1], node[2]) / share
    if lanes := _LANES.search(hardware):
        return GENERATIONS[lanes[2]] * (int(lanes[1]) / share if lanes[1] else 1)
    bare = _BARE.search(hardware)
    return _bits(bare[1], bare[2]) if bare else None


def _bits(value: str, prefix: str) -> float:
    return max(1e9, float(value) * (1e12 if prefix == "T" else 1e9))


def _usual_nic(architecture: str, assumed: list[str]) -> float:
    rate, ports = PORTS.get(architecture, PORTS["ampere"])
    share = rate * ports / 8
    assumed.append(f"{NO_NETWORK}: {share / 1e9:g} Gbit/s of it for each accelerator, as usual for {architecture}")
    return share


def problem_of(error: DatahallError) -> str:
    """The first problem of an error as one line: code, what, and what to do."""
    problem = error.problems[0]
    return f"{problem.code} {problem.what}; {problem.fix}"
