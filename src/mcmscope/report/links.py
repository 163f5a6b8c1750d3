"""How busy the links of a simulated package were: as data, and the busiest by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcmscope.simulate import Simulation
from mcmscope.simulate.mesh import CHANNEL, PORT_IN, PORT_OUT, Mesh

DIRECTIONS = ("east", "west", "south", "north")
"""By number of the link, as in ``mcmscope.simulate.mesh``."""
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Busy:
    """A link or a DRAM port with its load: bytes, and the share of the batch's time that they take."""

    place: str
    moved_bytes: float
    utilization: float


def used_links(simulation: Simulation) -> list[Busy]:
    """Links between chiplets, the busiest first."""
    exists = simulation.mesh.exists().tolist()
    loads = zip(simulation.link_bytes.tolist(), simulation.link_utilization.tolist(), strict=True)
    found = [
        Busy(link_place(simulation.mesh, x), moved, share)
        for x, (moved, share) in enumerate(loads)
        if exists[x]
    ]
    return sorted(found, key=lambda link: -link.utilization)


def link_place(mesh: Mesh, link: int) -> str:
    """Where a link is: ``chiplet 5 (row 1, column 1) east to 6``."""
    step = (1, -1, mesh.columns, -mesh.columns)
    return f"{_chiplet(link // 4, mesh.columns)} {DIRECTIONS[link % 4]} to {link // 4 + step[link % 4]}"


def _chiplet(chiplet: int, columns: int) -> str:
    return f"chiplet {chiplet} (row {chiplet // columns}, column {chiplet % columns})"


def ports(simulation: Simulation) -> list[Busy]:
    """DRAM ports by number: all their bytes; the busiest of the link in, the link out and the channels."""
    columns = simulation.mesh.columns
    shares = port_utilization(simulation)
    return [
        Busy(f"DRAM port at {_chiplet(chiplet, columns)}", moved, max(share))
        for chiplet, moved, share in zip(
            simulation.mesh.ports.tolist(), simulation.port_bytes[:, CHANNEL].tolist(), shares, strict=True
        )
    ]


def port_utilization(simulation: Simulation) -> list[list[float]]:
    """[P][3]: how busy the link in, the link out and the share of the DRAM channels of each port are."""
    capacity = simulation.mesh.capacity[simulation.mesh.links :].reshape(-1, 3)
    shares: list[list[float]] = (simulation.port_bytes / (capacity * simulation.batch_s * 1e12)).tolist()
    return shares


def links_to_dict(simulation: Simulation) -> dict[str, Any]:
    """Loads per chiplet and direction, and per DRAM port; no entry where there is no link."""
    mesh = simulation.mesh
    between = used_links(simulation)
    return {
        "rows": mesh.rows,
        "columns": mesh.columns,
        **link_totals(simulation),
        "mean_utilization": _mean(between),
        "max_utilization": max((link.utilization for link in between), default=0.0),
        "mean_dram_port_utilization": _mean(ports(simulation)),
        "max_dram_port_utilization": max(port.utilization for port in ports(simulation)),
        "chiplets": [_chiplet_to_dict(simulation, chiplet) for chiplet in range(mesh.chiplets)],
        "dram_ports": [
            {
                "chiplet": chiplet,
                **{
                    name: {"bytes": round(moved[at]), "utilization": round(share[at], _DIGITS)}
                    for name, at in (("in", PORT_IN), ("out", PORT_OUT), ("channels", CHANNEL))
                },
            }
            for chiplet, moved, share in zip(
                mesh.ports.tolist(), simulation.port_bytes.tolist(), port_utilization(simulation), strict=True
            )
        ],
    }


def link_totals(simulation: Simulation) -> dict[str, int]:
    """Bytes over all links between chiplets, and over the one that carries most."""
    moved = simulation.link_bytes
    return {"all_bytes": round(float(moved.sum())), "max_bytes": round(float(moved.max()))}


def _mean(loads: list[Busy]) -> float:
    return sum(load.utilization for load in loads) / max(1, len(loads))


def _chiplet_to_dict(simulation: Simulation, chiplet: int) -> dict[str, Any]:
    exists, columns = simulation.mesh.exists(), simulation.mesh.columns
    out: dict[str, Any] = {"chiplet": chiplet, "row": chiplet // columns, "column": chiplet % columns}
    for direction, name in enumerate(DIRECTIONS):
        link = 4 * chiplet + direction
        if exists[link]:
            moved, share = simulation.link_bytes[link], simulation.link_utilization[link]
            out[name] = {"bytes": round(float(moved)), "utilization": round(float(share), _DIGITS)}
    return out
