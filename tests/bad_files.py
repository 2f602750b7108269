"""Broken and hostile files, each made by a few lines: what people bring by mistake, and what they bring on purpose.

CUT holds a file of each reader, cut off. BAD maps a name to what writes the files into a folder, and to words that the refusal must hold. TOLERATED are odd, but readable.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from nri_core.importers.samples import SAMPLES
from nri_core.trajectories import Trajectories
from tests.pose_files import write_deeplabcut

HEADER = "time,id,x,y\n"
ROWS = "".join(f"{frame},{node},{frame + node},{frame * node}\n" for frame in range(30) for node in range(3))
TIDY = HEADER + ROWS


class Bad(NamedTuple):
    """Files by name, and words that a message about them must hold."""

    files: Callable[[], dict[str, bytes]]
    words: tuple[str, ...]


def text(name: str, content: str, *words: str, encoding: str = "utf-8") -> Bad:
    return Bad(lambda: {name: content.encode(encoding)}, words)


def raw(name: str, content: Callable[[], bytes], *words: str) -> Bad:
    return Bad(lambda: {name: content()}, words)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def excel() -> bytes:
    file = io.BytesIO()
    pd.read_csv(io.StringIO(TIDY)).to_excel(file, index=False)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pd.read_csv(io.StringIO(TIDY)).to_parquet(file)
    return file.getvalue()


def header_that_lies() -> bytes:
    """An npy of 24 bytes that says it has 8 GB."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 500, 2), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 24


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"x": 1}], dtype=object), allow_pickle=True)
    return file.getvalue()


def bomb_npz() -> bytes:
    """4 GB of zeros in 4 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open("values.npy", "w", force_zip64=True) as member:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (536_870_912,)})
        member.write(header.getvalue())
        block = bytes(16 * 1024**2)
        for _ in range(256):
            member.write(block)
    return file.getvalue()


def bomb_xlsx() -> bytes:
    """A workbook whose sheet unpacks to 800 MB."""
    with zipfile.ZipFile(io.BytesIO(excel())) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            if not name.endswith("sheet1.xml"):
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(50):
                member.write(b" " * 16 * 1024**2)
    return file.getvalue()


def xml_bomb(first: str, last: str) -> bytes:
    """A billion laughs."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">{entities}]>{first}&a9;{last}'.encode()


ASF, AMC = SAMPLES["skeleton"].text(), SAMPLES["swing"].text()


def mocap(skeleton: str, motion: str, *words: str) -> Bad:
    return Bad(lambda: {"arm.asf": skeleton.encode(), "swing.amc": motion.encode()}, words)


def saved(name: str, write: Callable[[Path], object]) -> bytes:
    """What a library writes that wants a path."""
    with TemporaryDirectory() as folder:
        write(path := Path(folder, name))
        return path.read_bytes()


def hdf5(**arrays: np.ndarray) -> bytes:
    import h5py

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip")

    return saved("a.h5", write)


def bomb_hdf5() -> bytes:
    """A file of a few kB that promises 640 GB."""
    import h5py

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("xy", shape=(1_000_000_000, 40, 2), chunks=(1000, 40, 2), dtype="f8", compression="gzip")

    return saved("a.h5", write)


def sleap() -> bytes:
    return hdf5(tracks=np.zeros((2, 2, 3, 400)), node_names=np.array([b"a", b"b", b"c"]))


def deeplabcut(kind: bytes | None = None) -> bytes:
    names = [("s", part, name) for part in ("nose", "tail") for name in ("x", "y", "likelihood")]
    return saved("a.h5", lambda path: write_deeplabcut(path, names, np.ones((300, 6)), kind=kind))


def matlab() -> bytes:
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, {"positions": np.random.default_rng(0).normal(size=(400, 5, 2))})
    return file.getvalue()


def tensors() -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(torch.zeros(20, 30, 3, 4), file)
    return file.getvalue()


def c3d() -> bytes:
    import ezc3d

    def write(path: Path) -> None:
        made = ezc3d.c3d()
        made["parameters"]["POINT"]["RATE"]["value"], made["parameters"]["POINT"]["LABELS"]["value"] = [100], ["a", "b"]
        made["data"]["points"] = np.ones((4, 2, 200))
        made.write(str(path))

    return saved("a.c3d", write)


def feather() -> bytes:
    return saved("a.feather", lambda path: pd.read_csv(io.StringIO(TIDY)).to_feather(path))


def own() -> bytes:
    trajectories = Trajectories(np.random.default_rng(0).normal(size=(3, 20, 4, 2)), ("x", "y"), dt=0.1)
    return saved("a.npz", trajectories.save)


def triple() -> dict[str, bytes]:
    """The reference's three files, the last cut off."""
    motion = npy(np.random.default_rng(0).normal(size=(4, 9, 2, 5)))
    return {"loc_train_a.npy": motion, "vel_train_a.npy": motion, "edges_train_a.npy": npy(np.zeros((4, 5, 5)))[:-30]}


def sample(name: str) -> bytes:
    return SAMPLES[name].text().encode()


def cut(name: str, content: Callable[[], bytes], share: float = 0.7) -> Bad:
    """The first part of a file only."""
    return raw(name, lambda: (whole := content())[: int(share * len(whole))], name)


CUT: dict[str, Bad] = {  # a file of each reader, cut off on its way
    "acclaim": Bad(lambda: {"arm.asf": sample("skeleton"), "swing.amc": sample("swing")[:-30]}, ("swing.amc",)),
    "bvh": cut("arm.bvh", lambda: sample("bvh")),
    "c3d": cut("a.c3d", c3d),
    "sportvu": cut("game.json", lambda: sample("sportvu")),
    "trackmate": cut("tracks.xml", lambda: sample("trackmate")),
    "sports": Bad(lambda: {"home.csv": sample("home"), "away.csv": sample("away")[:-25]}, ("home.csv",)),
    "own": cut("a.npz", own),
    "reference": Bad(triple, ("edges_train_a.npy",)),
    "numpy": cut("a.npy", lambda: npy(np.zeros((50, 5, 2)))),
    "torch": cut("train_feats.pt", tensors),
    "matlab": cut("a.mat", matlab),
    "sleap": cut("a.slp", sleap),
    "deeplabcut": Bad(lambda: {"a.csv": sample("deeplabcut")[:-60]}, ("a.csv", "19 cells")),
    "sleap table": Bad(lambda: {"a.csv": sample("sleap")[:-30]}, ("a.csv", "cells")),
    "hdf5": cut("a.h5", lambda: hdf5(xy=np.random.default_rng(0).normal(size=(3000, 4, 2)))),
    "parquet": cut("a.feather", feather),
    "excel": cut("a.xlsx", excel),
    "text table": text("a.csv", TIDY[:-5], "4 cells", "row 91"),
}


BAD: dict[str, Bad] = {f"{name}, cut off": bad for name, bad in CUT.items()} | {
    # text tables
    "empty": text("a.csv", "", "a.csv is empty"),
    "only empty lines": text("a.csv", "\n\n\n", "only empty lines"),
    "only comments": text("a.csv", "# a\n# b\n", "only empty lines or comments"),
    "header only": text("a.csv", HEADER, "below the header"),
    "one column": text("a.csv", "x\n1\n2\n", "at least 2 columns"),
    "a picture called csv": raw("a.csv", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "a.csv", "binary"),
    "zeros called csv": raw("a.csv", lambda: bytes(4096), "binary"),
    "cut in the middle of a letter": raw("a.csv", lambda: TIDY.replace("id", "ïd").encode("utf-16")[:-1], "a.csv"),
    "two encodings": raw("a.csv", lambda: (HEADER + "0,ä,1,2\n" * 40_000).encode() + "0,ä,1,2\n".encode("latin-1"), "a.csv", "UTF-8"),
    "a row too long": text("a.csv", HEADER + "0,1,2,3\n0,2,3,4,5\n", "4 cells", "5 in row 3"),
    "a row too short": text("a.csv", HEADER + "0,1,2,3\n0,2\n", "4 cells", "2 in row 3"),
    "ragged far below": text("a.csv", TIDY + "1,2\n", "row 92"),
    "a word in x": text("a.csv", TIDY + "31,1,north,3\n", "column `x`", "'north'", "row 92"),
    "a date in x": text("a.csv", TIDY + "31,1,2020-01-01,3\n", "column `x`", "row 92"),
    "decimal commas in a comma file": text("a.csv", HEADER + "0,1,2,5,3,5\n", "a.csv"),
    "mixed delimiters": text("a.csv", HEADER + "0;1;2;3\n0;2;3;4\n", "a.csv"),
    "a word as time": text("a.csv", HEADER + "noon,1,2,3\n", "a.csv"),
    "half a date": text("a.csv", "date,id,x,y\n2020-13-45,1,2,3\n2020-01-01,2,2,3\n", "dates", "date"),
    "nobody": text("a.csv", HEADER + "0,,1,2\n1,,1,2\n", "node and a time"),
    "no times": text("a.csv", HEADER + ",1,1,2\n,2,1,2\n", "node and a time"),
    "one particle": text("a.csv", "time,x,y\n0,1,2\n1,2,3\n", "column for node"),
    "10,000 nodes": text("a.csv", HEADER + "".join(f"0,n{node},1,2\n" for node in range(10_000)), "at most 1000 nodes", "10,000"),
    "nodes that share no time": text(
        "a.csv", HEADER + "".join(f"{frame + node / 1000},{node},1,2\n" for node in range(900) for frame in range(280)), "hardly share their times"
    ),
    "an endless line": raw("a.csv", lambda: b"time,id,x,y\n" + b"1" * 3_000_000, "a.csv"),
    "html": text("a.csv", "<!DOCTYPE html><html><body><h1>404 Not found</h1></body></html>", "a.csv"),
    "json": text("a.csv", '{"time": [1, 2], "x": [1, 2]}', "a.csv"),
    "an unknown ending": raw("a.xyz", lambda: bytes(range(256)), "a.xyz"),
    "a program": raw("a.exe", lambda: b"MZ" + bytes(500), "a.exe"),
    # Excel, Parquet, Feather
    "a table called xlsx": text("a.xlsx", TIDY, "a.xlsx"),
    "a truncated workbook": raw("a.xlsx", lambda: excel()[:-200], "a.xlsx"),
    "a workbook with a bomb": raw("a.xlsx", bomb_xlsx, "a.xlsx", "unpacks to"),
    "a workbook with a broken sheet": raw("a.xlsx", lambda: zipped(**{"xl/workbook.xml": b"<workbook", "[Content_Types].xml": b"<Types/>"}), "a.xlsx"),
    "a zip called xlsx": raw("a.xlsx", lambda: zipped(readme=b"hello"), "a.xlsx"),
    "a truncated parquet": raw("a.parquet", lambda: parquet()[:-20], "a.parquet"),
    "a parquet of its first bytes": raw("a.parquet", lambda: parquet()[:12], "a.parquet"),
    "a table called parquet": text("a.parquet", TIDY, "a.parquet"),
    "a table called feather": text("a.feather", TIDY, "a.feather"),
    # arrays
    "a truncated npy": raw("a.npy", lambda: npy(np.zeros((50, 5, 2)))[:-100], "a.npy"),
    "a pickled npy": raw("a.npy", pickled, "a.npy"),
    "a pickle called npy": raw("a.npy", lambda: pickle.dumps({"x": 1}), "a.npy"),
    "an npy that lies": raw("a.npy", header_that_lies, "a.npy"),
    "an npy of words": raw("a.npy", lambda: npy(np.array(["a", "b"])), "a.npy"),
    "an npy of one number": raw("a.npy", lambda: npy(np.array(3.0)), "a.npy"),
    "an npy without nodes": raw("a.npy", lambda: npy(np.zeros((50, 0, 2))), "a.npy"),
    "an npz that is no zip": raw("a.npz", lambda: b"PK" + bytes(50), "a.npz"),
    "a truncated npz": raw("a.npz", lambda: npz(values=np.zeros((3, 20, 4, 2)))[:-60], "a.npz"),
    "an npz with a bomb": raw("a.npz", bomb_npz, "a.npz"),
    "an npz with nothing": raw("a.npz", lambda: zipped(), "a.npz"),
    "an npz with a note": raw("a.npz", lambda: zipped(**{"readme.txt": b"hello"}), "a.npz"),
    "an npz with a pickle": raw("a.npz", lambda: zipped(**{"values.npy": pickled()}), "a.npz"),
    "an npz that would leave": raw("a.npz", lambda: zipped(**{"../../etc/values.npy": npy(np.array(["a"]))}), "a.npz"),
    # motion capture
    "a motion without its skeleton": Bad(lambda: {"swing.amc": AMC.encode()}, ("skeleton",)),
    "a skeleton without motion": Bad(lambda: {"arm.asf": ASF.encode()}, ("motions",)),
    "two skeletons": Bad(lambda: {"a.asf": ASF.encode(), "b.asf": ASF.encode(), "c.amc": AMC.encode()}, ("2 skeletons",)),
    "a motion of another skeleton": mocap(ASF, AMC.replace("lower", "tail"), "a bone of the skeleton", "swing.amc"),
    "a motion with a word": mocap(ASF, AMC.replace("root 0 20 0 0 0 0", "root 0 up 0 0 0 0"), "numbers in line 4"),
    "a motion cut off": mocap(ASF, AMC[:-30], "swing.amc"),
    "a skeleton of nothing": mocap(":units\n", AMC, "arm.asf"),
    "a skeleton in pieces": mocap(ASF.replace("upper lower", ""), AMC, "no way to the root"),
    "a skeleton without lengths": mocap(ASF.replace("length 10", ""), AMC, "arm.asf"),
    "a binary skeleton": Bad(lambda: {"arm.asf": bytes(range(256)), "swing.amc": AMC.encode()}, ("arm.asf",)),
    # poses, spots, games
    "a motion of numbers beyond counting": raw("arm.bvh", lambda: sample("bvh").replace(b"Frames: 60", b"Frames: 99999999999"), "arm.bvh"),
    "an hdf5 with a bomb": raw("a.h5", bomb_hdf5, "a.h5"),
    "an hdf5 of nothing": raw("a.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(2000), "a.h5"),
    "poses with a program in their names": raw("a.h5", lambda: deeplabcut(b"cos\nsystem\n(Vtouch /tmp/owned\ntR."), "a.h5", "names of columns"),
    "poses with names of nothing": raw("a.h5", lambda: deeplabcut(b"."), "a.h5", "names of columns"),
    "poses with a word": Bad(lambda: {"a.csv": sample("deeplabcut").replace(b"\n3,", b"\n3,north,", 1)}, ("a.csv", "row 8")),
    "poses without coordinates": Bad(lambda: {"a.csv": b"".join(sample("deeplabcut").splitlines(keepends=True)[:3])}, ("a.csv", "coords")),
    "spots that eat the memory": raw("a.xml", lambda: xml_bomb("<TrackMate>", "</TrackMate>"), "a.xml"),
    "a match that eats the memory": Bad(lambda: {"meta.xml": xml_bomb("<TracabMetaData>", "</TracabMetaData>"), "raw.dat": b"1:2,3\n"}, ("meta.xml",)),
    "spots of no track": Bad(lambda: {"a.xml": sample("trackmate").replace(b"Track TRACK_ID", b"Trail TRACK_ID").replace(b"</Track>", b"</Trail>")}, ("a.xml", "track the spots")),
    "a game as deep as a well": raw("a.json", lambda: b'{"events": ' + b"[" * 100_000 + b'"moments"', "a.json"),
    "a game without moments": text("a.json", '{"events": [{"home": {}, "visitor": {}, "moments": []}]}', "a.json", "found none"),
    # files that do not belong together
    "two tables": Bad(lambda: {"a.csv": TIDY.encode(), "b.csv": TIDY.encode()}, ("a.csv, b.csv", "one after another")),
    "a table and a motion": Bad(lambda: {"a.csv": TIDY.encode(), "b.amc": AMC.encode()}, ("one after another",)),
}

TOLERATED: dict[str, Bad] = {
    "infinite": text("a.csv", TIDY + "30,1,inf,2\n", "infinite"),
    "duplicated rows": text("a.csv", TIDY + ROWS, "repeat"),
    "html in names": text("a.csv", TIDY.replace(",0,", ",<script>alert(1)</script>,")),
    "path tricks in names": text("a.csv", TIDY.replace(",0,", ",../../etc/passwd,")),
    "names of a kilobyte": text("a.csv", TIDY.replace(",0,", f",{'n' * 1000},")),
    "huge values": text("a.csv", TIDY + "30,1,1e300,2\n"),
    "windows line ends": text("a.csv", TIDY.replace("\n", "\r\n")),
    "no last line end": text("a.csv", TIDY[:-1]),
    "only not seen": text("a.csv", HEADER + "".join(f"{frame},{node},,\n" for frame in range(9) for node in range(3))),
    "one frame": text("a.csv", HEADER + "0,1,2,3\n0,2,3,4\n"),
    "a workbook called csv": raw("a.csv", excel),
    "quotes that never end": text("a.csv", HEADER + '0,"1,2,3\n' * 50),
    "one node": text("a.csv", HEADER + "0,1,2,3\n1,1,3,4\n"),
}


def write(bad: Bad, folder: Path) -> list[Path]:
    """The files; their paths."""
    paths = []
    for name, content in bad.files().items():
        (path := folder / name).write_bytes(content)
        paths.append(path)
    return paths
