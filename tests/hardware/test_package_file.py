"""Package files: what is read, and what each kind of bad input is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcmscope.errors import InputError
from mcmscope.hardware import Edge, Overlap, Package, load_package, package_from_dict, package_to_dict

Faults = Callable[[str | bytes], list[str]]
Write = Callable[..., Path]


def test_a_complete_file(write: Write, complete: str) -> None:
    package = load_package(write(complete))
    assert (package.name, package.description) == ("tiny", "")
    assert (package.rows, package.columns, package.strip_height) == (2, 3, 1)
    assert package.chiplet.weight_buffer_bytes == 64 * 1024
    assert package.chiplet.activation_buffer_bytes == 32 * 1024
    assert not package.chiplet.unified
    assert package.nop.link_mb_per_s == 12_500
    assert package.dram.channel_mb_per_s == 25_600
    assert package.retained_permille == 500
    assert (package.overlap, package.prefetch) == (Overlap.FULL, False)
    assert package.provenance["strip_height"] == "default: floor(sqrt(rows))"
    assert package.provenance["energy_profile.mac_pj"].startswith("derived: 6.1 TOPS/W")


def test_optional_keys(write: Write, complete: str) -> None:
    text = complete.replace("grid: 2x3", "grid: {rows: 4, columns: 3}").replace("[left, right]", "[top]")
    text += "strip_height: 4\nexecution: {overlap: none, prefetch: true}\n"
    text += 'sources: {chiplet.pes: "a data sheet", strip_height: "assumed: one strip"}\n'
    package = load_package(write(text))
    assert (package.rows, package.strip_height) == (4, 4)
    assert package.dram.edges == (Edge.TOP,)
    assert (package.overlap, package.prefetch) == (Overlap.NONE, True)
    assert package.provenance["chiplet.pes"] == "a data sheet"
    assert package.provenance["strip_height"] == "assumed: one strip"


def test_unified_buffer(write: Write, complete: str) -> None:
    text = complete.replace(
        "  weight_buffer_kib: 64\n  activation_buffer_kib: 32\n", "  unified_buffer_kib: 0.5\n"
    )
    chiplet = load_package(write(text)).chiplet
    assert chiplet.unified
    assert chiplet.weight_buffer_bytes == chiplet.activation_buffer_bytes == 512


def test_own_link_energy_renames_the_profile(write: Write, complete: str) -> None:
    own = complete.replace("  hop_latency_ns: 20\n", "  hop_latency_ns: 20\n  hop_energy_pj_per_bit: 0.82\n")
    package = load_package(write(own))
    assert package.energy.nop_hop_fj_per_byte == 6560
    assert package.energy.name == "simba-16nm (own links)"
    assert package.energy.mac_fj == 330
    assert package_from_dict(package_to_dict(package), "x") == package
    same = load_package(write(own.replace("0.82", "1.75")))
    assert same.energy.name == "simba-16nm"


# Each: what is replaced, by what, the fault's line, and its text.
BAD_VALUES = [
    ("name: tiny", "name: 3", 1, "name: expected one line of printable text, 1 to 100 characters, got 3"),
    ("name: tiny", "name: ''", 1, "name: expected one line of printable text, 1 to 100 characters, got ''"),
    ("2x3", "2by3", 2, "grid: expected rows x columns such as 6x6, or a mapping with both, got '2by3'"),
    ("2x3", "2x65", 2, "grid.columns: expected an integer from 1 to 64, got 65"),
    ("2x3", "0x3", 2, "grid: expected rows x columns such as 6x6, or a mapping with both, got 3"),
    (
        "clock_mhz: 1000",
        "clock_mhz: fast",
        4,
        "chiplet.clock_mhz: expected an integer from 1 to 10000, got 'fast'",
    ),
    (
        "clock_mhz: 1000",
        "clock_mhz: 1e3",
        4,
        "chiplet.clock_mhz: expected an integer from 1 to 10000, got '1e3'",
    ),
    ("clock_mhz: 1000", "clock_mhz: 0", 4, "chiplet.clock_mhz: expected an integer from 1 to 10000, got 0"),
    (
        "clock_mhz: 1000",
        "clock_mhz: 10001",
        4,
        "chiplet.clock_mhz: expected an integer from 1 to 10000, got 10001",
    ),
    ("pes: 4", "pes: 4.0", 5, "chiplet.pes: expected an integer from 1 to 4096, got 4.0"),
    ("pes: 4", "pes: true", 5, "chiplet.pes: expected an integer from 1 to 4096, got true"),
    ("pes: 4", "pes:", 5, "chiplet.pes: expected an integer from 1 to 4096, got nothing"),
    ("pes: 4", "pes: [4]", 5, "chiplet.pes: expected an integer from 1 to 4096, got [4]"),
    ("pes: 4", f"pes: {'9' * 30}", 5, "chiplet.pes: expected an integer from 1 to 4096, got a huge integer"),
    (
        "weight_buffer_kib: 64",
        "weight_buffer_kib: 0.7",
        9,
        "chiplet.weight_buffer_kib: expected a number from 0.0009765625 to 1048576 "
        "that is a whole number of bytes, got 0.7",
    ),
    (
        "link_gb_per_s: 12.5",
        "link_gb_per_s: 12.5001",
        14,
        "nop.link_gb_per_s: expected a number from 0.001 to 1000000 with at most 3 decimals, got 12.5001",
    ),
    (
        "channel_gb_per_s: 25.6",
        "channel_gb_per_s: .nan",
        18,
        "dram.channel_gb_per_s: expected a number from 0.001 to 1000000 with at most 3 decimals, got nan",
    ),
    (
        "channel_gb_per_s: 25.6",
        "channel_gb_per_s: .inf",
        18,
        "dram.channel_gb_per_s: expected a number from 0.001 to 1000000 with at most 3 decimals, got inf",
    ),
    (
        "[left, right]",
        "[lef, right]",
        19,
        "dram.edges: expected a list of one or more of left, right, top, bottom, each at most once, "
        "got ['lef', 'right'] (did you mean 'left'?)",
    ),
    (
        "[left, right]",
        "[]",
        19,
        "dram.edges: expected a list of one or more of left, right, top, bottom, each at most once, got []",
    ),
    (
        "[left, right]",
        "[top, top]",
        19,
        "dram.edges: expected a list of one or more of left, right, top, bottom, each at most once, "
        "got ['top', 'top']",
    ),
    (
        "energy_profile: simba-16nm",
        "energy_profile: simba-16",
        20,
        "energy_profile: unknown energy profile 'simba-16' (did you mean 'simba-16nm'?): expected one of "
        "set-12nm, gemini-12nm, nnbaton-16nm, simba-16nm, edge-tpu, hailo-8, "
        "or a mapping of a profile's constants",
    ),
    (
        "energy_profile: simba-16nm",
        "energy_profile: 16",
        20,
        "energy_profile: expected a profile's name or a mapping of its constants, got 16",
    ),
    (
        "retained_share: 0.5",
        "retained_share: 0.95",
        21,
        "retained_share: expected a number from 0 to 0.9 with at most 3 decimals, got 0.95",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "fault"), BAD_VALUES)
def test_bad_value(faults_of: Faults, complete: str, old: str, new: str, line: int, fault: str) -> None:
    assert complete.count(old) == 1
    assert faults_of(complete.replace(old, new)) == [f"p.yaml:{line}: {fault}"]


BAD_KEYS = [
    (
        "  clock_mhz: 1000",
        "  clok_mhz: 1000",
        ["p.yaml:4: chiplet.clok_mhz: unknown key (did you mean 'clock_mhz'?)"],
    ),
    (
        "name: tiny",
        "name: tiny\nclock_mhz: 9",
        ["p.yaml:2: clock_mhz: unknown key (it belongs under 'chiplet')"],
    ),
    (
        "  pes: 4",
        "  pes: 4\n  grid: 2x2",
        ["p.yaml:6: chiplet.grid: unknown key (it belongs at the top level)"],
    ),
    ("name: tiny", "name: tiny\n5: 6", ["p.yaml:2: 5: unknown key"]),
    ("  pes: 4\n", "", ["p.yaml:3: chiplet.pes: missing: expected an integer from 1 to 4096"]),
    ("grid: 2x3", "grid: {rows: 2}", ["p.yaml:2: grid.columns: missing: expected an integer from 1 to 64"]),
    (
        "energy_profile: simba-16nm\n",
        "",
        [
            "p.yaml:1: energy_profile: missing: expected one of "
            "set-12nm, gemini-12nm, nnbaton-16nm, simba-16nm, edge-tpu, hailo-8, "
            "or a mapping of a profile's constants"
        ],
    ),
    (
        "nop:\n  link_gb_per_s: 12.5\n  hop_latency_ns: 20\n",
        "nop: 12.5\n",
        [
            "p.yaml:13: nop: expected a mapping with "
            "link_gb_per_s, hop_latency_ns, hop_energy_pj_per_bit, got 12.5"
        ],
    ),
    ("  pes: 4\n", "  pes: 4\n  pes: 8\n", ["p.yaml:6: chiplet.pes: given twice, first at line 5"]),
    (
        "  pes: 4\n",
        "  pes: 4\n  ? [a]\n  : 1\n",
        ["p.yaml:6: expected a key of plain text, got a list or a mapping"],
    ),
    (
        "  activation_buffer_kib: 32\n",
        "  activation_buffer_kib: 32\n  unified_buffer_kib: 96\n",
        [
            "p.yaml:9: chiplet.weight_buffer_kib: not beside unified_buffer_kib: "
            "give that one, or both of the others",
            "p.yaml:10: chiplet.activation_buffer_kib: not beside unified_buffer_kib: "
            "give that one, or both of the others",
        ],
    ),
    (
        "  activation_buffer_kib: 32\n",
        "",
        [
            "p.yaml:3: chiplet.activation_buffer_kib: missing: expected beside weight_buffer_kib, "
            "a number from 0.0009765625 to 1048576 that is a whole number of bytes"
        ],
    ),
    (
        "  weight_buffer_kib: 64\n  activation_buffer_kib: 32\n",
        "",
        [
            "p.yaml:3: chiplet: no buffers: "
            "give weight_buffer_kib and activation_buffer_kib, or unified_buffer_kib"
        ],
    ),
    (
        "name: tiny",
        "name: tiny\nstrip_height: 3",
        ["p.yaml:2: strip_height: expected at most the grid's rows, 2, got 3"],
    ),
    (
        "name: tiny",
        "name: tiny\nsources:\n  chiplet.pse: x",
        ["p.yaml:3: sources.chiplet.pse: no such key of a package (did you mean 'chiplet.pes'?)"],
    ),
    (
        "name: tiny",
        "name: tiny\nsources:\n  chiplet.pes: 3",
        ["p.yaml:3: sources.chiplet.pes: expected one line of printable text, 1 to 2000 characters, got 3"],
    ),
    (
        "name: tiny",
        "name: !!python/name:os.system x",
        ["p.yaml:1: tag tag:yaml.org,2002:python/name:os.system has no place in a package file"],
    ),
    (
        "name: tiny",
        "name: tiny\nexecution: {overlap: half, prefetch: 1}",
        [
            "p.yaml:2: execution.overlap: expected one of full, none, got 'half'",
            "p.yaml:2: execution.prefetch: expected true or false, got 1",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "faults"), BAD_KEYS)
def test_bad_keys(faults_of: Faults, complete: str, old: str, new: str, faults: list[str]) -> None:
    assert complete.count(old) == 1
    got = faults_of(complete.replace(old, new))
    # A misspelt key also lacks under its own name.
    assert [fault for fault in got if "chiplet.clock_mhz: missing" not in fault] == faults


def test_all_faults_at_once_in_the_order_of_lines(faults_of: Faults, complete: str) -> None:
    text = (
        complete.replace("clock_mhz: 1000", "clok_mhz: 1000")
        .replace("12.5", "-1")
        .replace("[left, right]", "left")
    )
    text = text.replace("  pes: 4\n", "  pes: 4\n  pes: 5\n") + "strip_height: 5\nsources: {nope: x}\n"
    faults = faults_of(text)
    keys = [fault.split(": ")[1] for fault in faults]
    lines = [int(fault.split(":")[1]) for fault in faults]
    assert keys == [
        "chiplet.clock_mhz",
        "chiplet.clok_mhz",
        "chiplet.pes",
        "nop.link_gb_per_s",
        "dram.edges",
        "strip_height",
        "sources.nope",
    ]
    assert lines == [3, 4, 6, 15, 20, 23, 24]


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{this}: &{this} [{','.join([f'*{last}'] * 9)}]\n"
    for last, this in zip("abcdefgh", "bcdefghi", strict=True)
)

NOT_PACKAGES = [
    (b"", "p.yaml:1: empty: expected a mapping of a package's keys"),
    (b"# only a comment\n", "p.yaml:1: empty: expected a mapping of a package's keys"),
    (b"# list\n- 1\n", "p.yaml:2: expected a mapping of a package's keys"),
    (b"simba-36\n", "p.yaml:1: expected a mapping of a package's keys"),
    (b"name: a\n\tgrid: 2x2\n", "p.yaml:2: not YAML: while scanning for the next token found character"),
    (b"name: a\n---\nname: b\n", "p.yaml:2: not YAML: expected a single document in the stream"),
    (b"name: a\ngrid: *nowhere\n", "p.yaml:2: not YAML: found undefined alias"),
    (b"name: a\ngrid: \x01\n", "p.yaml:2: not YAML: character that cannot be printed"),
    (b"name: a\ngrid: \xff\n", "p.yaml:2: not UTF-8 text (byte 0xff)"),
    (b"a: " + b"[" * 5000, "p.yaml:1: nested too deeply for a package file"),
    (b"a: &a {b: *a}\n", "p.yaml:1: nested too deeply or too large for a package file"),
    (BOMB.encode(), "nested too deeply or too large for a package file"),
    (b"#" * 1_000_001, "p.yaml: larger than 1000000 bytes: not a package file"),
]


@pytest.mark.parametrize(("content", "fault"), NOT_PACKAGES)
def test_not_a_package(faults_of: Faults, content: bytes, fault: str) -> None:
    faults = faults_of(content)
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_byte_order_mark_is_no_fault(write: Write, complete: str) -> None:
    assert load_package(write(b"\xef\xbb\xbf" + complete.encode())).name == "tiny"


def test_directory_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory, expected a YAML file"):
        load_package(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        load_package(str(tmp_path / "none.yaml"))
    with pytest.raises(InputError, match="unknown package 'a\\\\x00b'"):
        load_package("a\0b")


def test_extends_a_preset(write: Write) -> None:
    base = load_package("simba-36")
    package = load_package(write("extends: Simba_36\nname: fast\nnop: {link_gb_per_s: 50}\ngrid: 9x6\n"))
    assert (package.name, package.description) == ("fast", "")
    assert (package.rows, package.columns, package.strip_height) == (9, 6, 3)
    assert package.nop.link_mb_per_s == 50_000
    assert package.nop.hop_latency_ns == base.nop.hop_latency_ns
    assert package.chiplet == base.chiplet
    # The source of a figure that is given anew no longer stands; the others do.
    assert "nop.link_gb_per_s" not in package.provenance
    assert "grid.rows" not in package.provenance
    assert package.provenance["nop.hop_latency_ns"] == base.provenance["nop.hop_latency_ns"]


def test_extends_swaps_the_kind_of_buffer(write: Write) -> None:
    unified = load_package(write("extends: simba-36\nname: a\nchiplet: {unified_buffer_kib: 576}\n"))
    assert unified.chiplet.unified
    assert "chiplet.weight_buffer_kib" not in unified.provenance
    text = "extends: mesh-4x4\nname: a\nchiplet: {weight_buffer_kib: 512, activation_buffer_kib: 512}\n"
    assert not load_package(write(text)).chiplet.unified


def test_extends_a_file_beside_it(write: Write, complete: str) -> None:
    write(complete, "base.yaml")
    middle = write("extends: base.yaml\nname: middle\nretained_share: 0\n", "middle.yaml")
    package = load_package(write("extends: ./middle.yaml\nname: top\ndram: {channels: 1}\n", "top.yaml"))
    assert load_package(middle).dram.channels == 2
    assert (package.name, package.dram.channels, package.retained_permille) == ("top", 1, 0)


def test_extends_keeps_the_lines_of_both_files(write: Write, complete: str) -> None:
    base = write(complete.replace("pes: 4", "pes: none"), "base.yaml")
    top = write("extends: base.yaml\nname: top\nchiplet:\n  lanes_k: -1\n", "top.yaml")
    with pytest.raises(InputError) as caught:
        load_package(top)
    assert caught.value.faults == (
        f"{base}:5: chiplet.pes: expected an integer from 1 to 4096, got 'none'",
        f"{top}:4: chiplet.lanes_k: expected an integer from 1 to 1024, got -1",
    )


def test_extends_that_leads_nowhere(faults_of: Faults) -> None:
    (circle,) = faults_of("extends: ./p.yaml\nname: a\n")
    assert "p.yaml:1: extends: leads in a circle" in circle
    (unknown,) = faults_of("name: a\nextends: simba-35\n")
    assert unknown.startswith("p.yaml:2: extends: unknown package 'simba-35' (did you mean 'simba-36'?)")
    assert faults_of("extends: 3\nname: a\n") == [
        "p.yaml:1: extends: expected a preset's name or a file, got 3"
    ]
    assert faults_of("extends: simba-36\n") == [
        "p.yaml:1: name: missing: expected one line of printable text, 1 to 100 characters"
    ]


def test_dict_faults_name_where_and_key() -> None:
    data = package_to_dict(load_package("simba-36"))
    data["chiplet"]["pes"] = "many"
    data["extends"] = "simba-36"
    del data["energy_profile"]["mac_pj"]
    with pytest.raises(InputError) as caught:
        package_from_dict(data, "s.json: package")
    assert set(caught.value.faults) == {
        "s.json: package: chiplet.pes: expected an integer from 1 to 4096, got 'many'",
        "s.json: package: extends: unknown key",
        "s.json: package: energy_profile.mac_pj: missing: expected a number from 0 to 1000000",
    }


def outcome(read: Callable[[], Package]) -> Package | tuple[str, ...]:
    """The package, or the faults; any other exception is the test's failure."""
    try:
        return read()
    except InputError as error:
        return error.faults


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    strange = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    package = package_to_dict(load_package("simba-36"))
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(package)))
        section = package[key]
        if isinstance(section, dict) and section and data.draw(st.booleans()):
            section[data.draw(st.sampled_from(sorted(cast(dict[str, object], section))))] = data.draw(strange)
        else:
            package[key] = data.draw(strange)
    read = outcome(lambda: package_from_dict(package, "here"))
    if isinstance(read, Package):
        assert package_from_dict(package_to_dict(read), "there") == read
    else:
        assert read
        assert all(fault.startswith("here: ") for fault in read)


# The text of the fixture is the same for every example.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_file_is_told(scratch: Path, complete: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(complete)))
    cut = data.draw(st.integers(0, 10))
    damage = data.draw(st.text(st.sampled_from("{}[]:,&*!?-|>'\"%@`#\n\t 0a<="), max_size=4))
    scratch.write_text(complete[:at] + damage + complete[at + cut :], encoding="utf-8")
    read = outcome(lambda: load_package(scratch))
    if not isinstance(read, Package):
        assert read
        assert all(fault.startswith(f"{scratch}:") for fault in read)


@pytest.mark.parametrize("data", [None, [], "simba-36", 3])
def test_dict_that_is_none(data: object) -> None:
    with pytest.raises(InputError, match="here: expected a mapping"):
        package_from_dict(data, "here")
    with pytest.raises(InputError, match="here: expected text as keys, got 1"):
        package_from_dict({1: 2}, "here")
