"""Our schedules beside those of other schedulers on the same meshes."""

from __future__ import annotations

from mcmscope.report.reproduction.view import NONE, Section, Table, cell
from mcmscope.reproduce import peers
from mcmscope.reproduce.data import Data, number


def peers_section(data: Data) -> Section:
    """A table for each mesh."""
    rows = data.rows(peers.TABLE)
    where = dict.fromkeys((str(r["network"]), str(r["package"]), r["batch"]) for r in rows)
    tables = tuple(_mesh(data, network, package, int(batch or 0)) for network, package, batch in where)
    return Section(
        "Peers",
        "Each tool by its own cost model: only orders of magnitude compare across tools, and energy only "
        "under the same constants. Search seconds of the others are from the same kind of machine.",
        tables,
    )


def _mesh(data: Data, network: str, package: str, batch: int) -> Table:
    own = data.rows(peers.TABLE, network=network, package=package, batch=batch, profile=peers.PROFILES[0])
    other = {
        (row["scheme"], row["search"]): row
        for row in data.rows(peers.TABLE, network=network, package=package, profile=peers.PROFILES[1])
    }
    seconds = {
        row["part"]: number(row, "seconds")
        for row in data.rows("timings", experiment=peers.TABLE, network=network, package=package)
    }
    lines = [
        (
            peer.tool,
            NONE,
            cell(peer.throughput_per_s, 4),
            NONE,
            cell(peer.mj_per_sample) if peer.tool.startswith(peers.SET) else NONE,
            cell(peer.mj_per_sample) if peer.tool.startswith(peers.GEMINI) else NONE,
            cell(peer.search_s),
        )
        for peer in peers.MEASURED
        if (peer.network, peer.package, peer.batch) == (network, package, batch)
    ]
    lines += [
        (
            f"mcmscope, {row['scheme']}" + ("" if row["search"] == "linear" else f", {row['search']}"),
            str(row["status"]),
            cell(number(row, "throughput_per_s"), 4),
            cell(number(row, "simulated_per_s"), 4),
            cell(number(row, "mj_per_sample")),
            cell(number(other.get((row["scheme"], row["search"])), "mj_per_sample")),
            cell(seconds.get(f"{row['scheme']} {row['search']}")),
        )
        for row in own
    ]
    bound = own[0] if own else None
    reach = number(bound, "of_bound")
    speed = number(bound, "throughput_per_s")
    if reach and speed:
        lines.append(("no schedule beats", NONE, cell(speed / reach, 4), NONE, NONE, NONE, NONE))
    return Table(
        f"peers-{package}",
        f"{network} on {package}, batch {batch}",
        (
            "tool",
            "claim",
            "samples/s",
            "simulated",
            f"mJ ({peers.PROFILES[0]})",
            f"mJ ({peers.PROFILES[1]})",
            "search s",
        ),
        tuple(lines),
        words=2,
    )
