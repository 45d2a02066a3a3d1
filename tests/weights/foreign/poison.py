"""Files made to harm, each with the words it is answered with. What they ask for would leave a folder ``executed``."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

import torch
from dialects import ada, array, buffer, np_dtype, ordered, random_generator, rosinality, stream, tensorflow
from pickle_writer import New, pickled

from reverie.weights.pickles.records import Call, Global, Persistent

MKDIR = Global("os", "mkdir")
ATTACK = Call(MKDIR, ("executed",))
REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
FLOATS = Global("torch", "FloatStorage")


def attack_beside_weights() -> bytes:
    return pickled({"w": buffer(torch.ones(3), 2), "x": ATTACK})


def defaults_rewritten() -> bytes:
    """BUILD with slot state on a function that every file names: it would change it for the whole process."""
    changed = b"\x80\x02" + b"ctorch._utils\n_rebuild_tensor_v2\n" + b"N}X\x0c\x00\x00\x00__defaults__"
    return changed + b"(cos\nmkdir\nts\x86b."


def nested_attack() -> bytes:
    inner = b"".join(pickled(p, 2) for p in (0x1950A86A20F9469CFC6C, 1001, {}, ATTACK, []))
    tensor = Call(REBUILD, (Call(Global("torch.storage", "_load_from_bytes"), (inner,)), 0, (1,), (1,), False, None))
    return pickled({"w": tensor})


def twice_nested() -> bytes:
    blob = pickled(ATTACK)
    for _ in range(8):
        blob = pickled(Call(Global("torch.storage", "_load_from_bytes"), (blob,)))
    return blob


def called_result() -> bytes:
    """What getattr gives would be called: no name of a dangerous function stands in the file."""
    got = Call(Global("builtins", "getattr"), (Global("os", "path"), "os"))
    return pickled({"w": Call(got, ("executed",))})


def window(count: int, offset: int, shape: tuple, stride: tuple) -> bytes:
    """Return a state dict with one tensor that looks at a storage of so many numbers through a window."""
    storage = Call(Global("torch.storage", "_load_from_bytes"), (stream(torch.ones(count)),))
    return pickled({"w": Call(REBUILD, (storage, offset, shape, stride, False, ordered({})))})


def one_blob_many_tensors(count: int = 200) -> bytes:
    """Many tensors, in the form of protocol 2, that each name the same 4 MB: 800 MB if each had its copy."""
    text = stream(torch.ones(1 << 20)).decode("latin-1")

    def tensor() -> Call:
        blob = Call(Global("_codecs", "encode"), (text, "latin1"))
        storage = Call(Global("torch.storage", "_load_from_bytes"), (blob,))
        return Call(REBUILD, (storage, 0, (1 << 20,), (1,), False, ordered({})))

    return pickled({str(i): tensor() for i in range(count)}, 2)


def own_list() -> bytes:
    return b"\x80\x04]\x94h\x00a."


def own_dictionary() -> bytes:
    """A dictionary of modules that holds itself."""
    meta = b"c__main__\nX\n)\x81}\x94\x8c\x08_modules}\x94\x8c\x01ah\x00ss"
    return b"\x80\x04" + meta + b"b."


def own_module() -> bytes:
    """A persistent module that is its own child, as a reference to what was remembered."""
    module, name = b"torch_utils.persistence", b"_reconstruct_persistent_obj"
    head = b"\x80\x04}\x8c\x05G_ema\x8c" + bytes([len(module)]) + module + b"\x8c" + bytes([len(name)]) + name + b"\x93"
    meta = b"}\x8c\x05state}\x8c\x08_modules}\x94ss"  # the modules are number 0 of the memo
    return head + meta + b"\x85R\x94" + b"h\x00\x8c\x01ah\x01s0" + b"s."


def deep(count: int = 50_000) -> bytes:
    return b"\x80\x02" + b"]" * count + b"a" * (count - 1) + b"."


def deep_tuples(count: int = 100_000) -> bytes:
    return b"\x80\x02)" + b"\x85" * count + b"."


def deep_calls(count: int = 100_000) -> bytes:
    function = b"cmath\nsqrt\nq\x00"
    return b"\x80\x02" + function + b"h\x00" * (count - 1) + b")R" + b"\x85R" * (count - 1) + b"."


def key_in_itself() -> bytes:
    """A call as a key, which holds the dictionary: whoever writes it as text never ends."""
    return b"\x80\x02}q\x01cmath\nsqrt\nh\x01\x85RK\x01s."


def many_entries(count: int = 400_000) -> bytes:
    """A zip whose directory names so many entries that reading it alone would take a gigabyte."""
    entry = b"PK\x01\x02" + bytes(42) + b"x"
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, count * len(entry), 0, 0)
    return b"PK\x03\x04" + bytes(26) + entry * count + tail


def repeated_modules(count: int = 4_000, entries: int = 20_000) -> bytes:
    """Thousands of modules that all have the same large state."""
    state = b"}q\x01(" + b"".join(b"X\x05\x00\x00\x00%05dN" % i for i in range(entries)) + b"u"
    child = b"ctorch.nn\nModule\n)\x81h\x01b"
    modules = b"}(" + b"".join(b"X\x05\x00\x00\x00%05d" % i + child for i in range(count)) + b"u"
    meta = b"}(X\x05\x00\x00\x00state}X\x08\x00\x00\x00_modules" + modules + b"su"
    call = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + b"\x85R"
    return b"\x80\x02" + state + b"0}X\x05\x00\x00\x00G_ema" + call + b"s."


def laughs() -> bytes:
    """Each tuple holds the one before twice: small here, endless for whoever walks it, and for a hash."""
    return b"\x80\x04K\x01\x85" + b"2\x86" * 60 + b"."


def laughing_key() -> bytes:
    return b"\x80\x04}" + b"K\x01\x85" + b"2\x86" * 60 + b"K\x01s."


def colliding_keys(count: int = 12_000) -> bytes:
    """Numbers that all have the same hash: a dictionary of them takes time that grows with the square."""
    prime = 2**61 - 1
    keys = b"".join(b"\x8a\x0a" + (i * prime).to_bytes(10, "little") + b"N" for i in range(1, count))
    return b"\x80\x02}(" + keys + b"u."


def endless(count: int = 5_000_000) -> bytes:
    return b"\x80\x02" + b"N0" * (count // 2) + b"N."


def long_number() -> bytes:
    return b"\x80\x02\x8b" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"."


def promised() -> bytes:
    """A text of 2 GB is announced and not there."""
    return b"\x80\x04\x8d" + struct.pack("<Q", 1 << 31) + b"short"


def objects_in_array() -> bytes:
    values = Call(Global("numpy.core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
    values.state = (1, (1,), np_dtype("O8"), False, [ATTACK])
    return pickled({"w": values})


def short_array() -> bytes:
    values = Call(Global("numpy.core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
    values.state = (1, (1 << 30, 1 << 30), np_dtype("f4"), False, b"1234")
    return pickled({"w": values})


def extension() -> bytes:
    return b"\x80\x02}X\x01\x00\x00\x00w\x82\x07s."


def zipped(entries: dict[str, bytes], packed: bool = False) -> bytes:
    buffer_ = io.BytesIO()
    with zipfile.ZipFile(buffer_, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, blob in entries.items():
            archive.writestr(name, blob)
    return buffer_.getvalue()


def zip_state(count: int, dtype: Global = FLOATS) -> bytes:
    storage = Persistent(("storage", dtype, "0", "cpu", count))
    return pickled({"w": Call(REBUILD, (storage, 0, (count,), (1,), False, ordered({})))}, 2)


def zip_bomb() -> bytes:
    """200 MB of zeros in 200 KB."""
    return zipped({"a/data.pkl": zip_state(50_000_000), "a/data/0": bytes(200_000_000)}, packed=True)


def overlapping_zip() -> bytes:
    """Many entries that are the same bytes: the directory at the end names one local header again and again."""
    blob = zipped({"a/data.pkl": zip_state(10), "a/data/0": bytes(1 << 20)})
    at = blob.index(b"PK\x01\x02")
    end = blob.index(b"PK\x05\x06")
    entries = blob[at:end]
    second = entries[entries.index(b"PK\x01\x02", 4) :]
    more = b"".join(second.replace(b"a/data/0", b"a/data/%c" % (65 + i)) for i in range(26))
    directory = entries + more
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 28, 28, len(directory), at, 0)
    return blob[:at] + directory + tail


def lying_zip() -> bytes:
    """The numbers are fewer than the pickle says."""
    return zipped({"a/data.pkl": zip_state(1_000_000), "a/data/0": bytes(400)})


def climbing_zip() -> bytes:
    storage = Persistent(("storage", FLOATS, "../../../etc/passwd", "cpu", 1))
    state = pickled({"w": Call(REBUILD, (storage, 0, (1,), (1,), False, ordered({})))}, 2)
    return zipped({"a/data.pkl": state, "a/data/0": bytes(4)})


def cut(blob: bytes, part: float = 0.7) -> bytes:
    return blob[: int(len(blob) * part)]


def stylegan1() -> bytes:
    return tensorflow(random_generator(), version=3)


def stylegan3() -> bytes:
    def plain(state: dict) -> New:
        return New(Global("torch.nn", "Module"), (), state=state)

    first = plain({"_buffers": {"freqs": buffer(torch.ones(3, 2), 2)}})
    layer = plain({"_buffers": {"magnitude_ema": buffer(torch.ones(()), 2)}})
    synthesis = plain({"_modules": {"input": first, "L0_36_8": layer}})
    state = {"_modules": {"synthesis": synthesis}}
    meta = {"type": "class", "class_name": "Generator", "module_src": "", "state": state}
    made = Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))
    return pickled({"G_ema": made})


class Bomb:
    def __reduce__(self):
        import os

        return os.mkdir, ("executed",)


def torch_file(content: object, *, old: bool = False) -> bytes:
    made = io.BytesIO()
    torch.save(content, made, _use_new_zipfile_serialization=not old)
    return made.getvalue()


POISON: dict[str, tuple[Callable[[], bytes], str]] = {
    "attack": (lambda: pickle.dumps(Bomb(), 4), "and was not executed"),
    "attack protocol 0": (lambda: pickle.dumps(Bomb(), 0), "and was not executed"),
    "attack beside weights": (attack_beside_weights, "holds Python objects (os.mkdir) besides tensors"),
    "attack in a torch file": (lambda: torch_file({"w": torch.ones(3), "x": Bomb()}), ".mkdir) besides tensors"),
    "attack in an old torch file": (lambda: torch_file({"w": Bomb()}, old=True), ".mkdir) besides tensors"),
    "defaults rewritten": (defaults_rewritten, "(os.mkdir) besides tensors and was not executed"),
    "nested attack": (nested_attack, "holds something else than the numbers of a tensor"),
    "nested eight times": (twice_nested, "found a call"),
    "called result": (called_result, "holds Python objects (builtins.getattr)"),
    "objects in an array": (objects_in_array, "holds Python objects (os.mkdir)"),
    "extension": (extension, "other entries: w"),
    "stride beyond": (lambda: window(4, 0, (2, 2), (1 << 30, 1)), "reaches beyond its numbers"),
    "offset beyond": (lambda: window(4, 3, (2,), (1,)), "reaches beyond its numbers"),
    "stride bomb": (lambda: window(4, 0, (1 << 20, 1 << 20), (0, 0)), "repeats its numbers more often"),
    "negative stride": (lambda: window(4, 3, (2,), (-1,)), "shape makes no sense"),
    "negative offset": (lambda: window(4, -1, (2,), (1,)), "shape makes no sense"),
    "negative size": (lambda: window(4, 0, (-2,), (1,)), "shape makes no sense"),
    "huge size": (lambda: window(4, 0, (1 << 62, 1 << 62), (0, 0)), "shape makes no sense"),
    "shape and stride": (lambda: window(4, 0, (2,), (1, 1)), "shape makes no sense"),
    "array too short": (short_array, "too few or too many"),
    "list in itself": (own_list, "found a list"),
    "modules in themselves": (own_dictionary, "holds Python objects"),
    "deep lists": (deep, "found a list"),
    "deep tuples": (deep_tuples, "found a tuple"),
    "deep calls": (deep_calls, "holds Python objects (math.sqrt)"),
    "key in itself": (key_in_itself, "holds Python objects (math.sqrt)"),
    "many entries": (many_entries, "too many entries"),
    "doubling tuples": (laughs, "found a tuple"),
    "doubling key": (laughing_key, "a key that is not plain"),
    "colliding keys": (colliding_keys, "keys that are no texts"),
    "endless": (endless, "more instructions than a network needs"),
    "long number": (long_number, "a number longer than a network needs"),
    "promised": (promised, "its end is missing"),
    "zip bomb": (zip_bomb, "would grow to more than a network needs"),
    "overlapping zip": (overlapping_zip, "would grow to more than a network needs"),
    "lying zip": (lying_zip, "reaches beyond its numbers"),
    "climbing zip": (climbing_zip, "is missing inside"),
    "cut pickle": (lambda: cut(ada(random_generator())), "its end is missing"),
    "cut torch file": (lambda: cut(rosinality(random_generator(), old=True)), "its end is missing"),
    "cut zip": (lambda: cut(rosinality(random_generator())), "its end is missing"),
    "web page": (lambda: b"\n<!DOCTYPE html><html><title>Quota exceeded</title>" + bytes(200), "is a web page"),
    "xml": (lambda: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is a web page"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "git-lfs"),
    "keras": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
    "gzip": (lambda: b"\x1f\x8b" + zlib.compress(b"x"), "is packed with gzip"),
    "safetensors by another name": (lambda: struct.pack("<Q", 12) + b'{"a":[1,2]} ', "is a safetensors file"),
    "noise": (lambda: bytes(range(255, 0, -1)), "holds no weights, or is damaged"),
}

NO_GENERATOR: dict[str, tuple[Callable[[], bytes], str]] = {
    "stylegan3 without weights": (stylegan3, "what no StyleGAN3 is"),
    "stylegan1": (stylegan1, "is a network of StyleGAN1 or Progressive GAN"),
    "only D": (lambda: ada(random_generator(), only="D"), "holds D and no generator"),
    "other state dict": (lambda: pickled({"fc.weight": buffer(torch.ones(3), 2)}), "a dictionary with fc.weight"),
    "an array": (lambda: pickled(array(torch.ones(3).numpy())), "no generator that is known"),
    "repeated modules": (repeated_modules, "more entries than a network needs"),
    "no numbers": (lambda: ada(random_generator(), broken=True), "holds values that are no numbers"),
    "module in itself": (own_module, "more modules than a network needs"),
}
