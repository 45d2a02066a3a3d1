"""How much a pickle may ask for, and what it asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from reverie.weights.pickles.records import Broken, shown

MOST_OPCODES = 4_000_000  # a training checkpoint of StyleGAN2 has 50 thousand; 4 million take some seconds and 0.5 GB
MOST_MEMO = 2_000_000
MOST_NESTED = 3  # pickles inside pickles; networks of NVIDIA have 1: each tensor is a torch file of its own
MOST_ODD_KEYS = 10_000  # keys that are neither texts nor small numbers: they can be made to collide in a dictionary
SMALL = 1 << 24
MOST_TEXT_BYTES = 1 << 30  # of all texts; protocol 2 writes the numbers of arrays as text
MOST_NUMBER_BYTES = 512
MOST_NAME = 256  # characters of a module or function
MOST_LINE = 1 << 28

# Names that stand in honest files of networks: containers, arrays, tensors. They too stay records.
_EXPECTED = """
collections.OrderedDict collections.defaultdict dnnlib.util.EasyDict dnnlib.EasyDict _codecs.encode builtins.set
builtins.frozenset builtins.bytearray builtins.complex builtins.slice builtins.range builtins.object __builtin__.set
__builtin__.frozenset __builtin__.bytearray builtins.bytes __builtin__.bytes __builtin__.object
copy_reg._reconstructor copyreg._reconstructor argparse.Namespace pathlib.PosixPath pathlib.WindowsPath
types.SimpleNamespace numpy.ndarray numpy.dtype numpy.core.multiarray._reconstruct
numpy._core.multiarray._reconstruct numpy.core.multiarray.scalar numpy._core.multiarray.scalar
numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer torch.Size torch.device torch.nn.parameter.Parameter
torch.nn.Parameter torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2 torch._utils._rebuild_tensor_v3
torch._utils._rebuild_parameter torch._utils._rebuild_parameter_with_state torch._tensor._rebuild_from_type_v2
torch.storage._load_from_bytes torch.storage.UntypedStorage torch.storage.TypedStorage
torch_utils.persistence._reconstruct_persistent_obj dnnlib.tflib.network.Network
"""
EXPECTED = frozenset(_EXPECTED.split())

# First parts of names that reach the machine itself; an honest network has no use for them.
_REACHING = """
os posix nt subprocess sys builtins __builtin__ importlib imp runpy pty shutil socket ctypes commands popen2
webbrowser code codeop codecs marshal pickle _pickle cPickle dill cloudpickle types functools operator bdb pdb
timeit trace profile cProfile platform pydoc asyncio multiprocessing concurrent threading _thread signal pip
setuptools distutils urllib http requests ftplib smtplib telnetlib paramiko tempfile io _io zipfile tarfile
fileinput linecache inspect ast compileall py_compile zipimport pkgutil site ensurepip venv getpass pwd grp resource
fcntl mmap nturl2path idlelib lib2to3 antigravity doctest unittest test numpy.testing numpy.f2py numpy.distutils
torch.hub torch.serialization torch.jit torch.utils torch.package torch._inductor torch._dynamo torch.ops torch.load
torch.distributed
"""
REACHING = frozenset(_REACHING.split())


@dataclass
class Report:
    """What was met on the way.

    Attributes:
        opcodes: how many instructions were read, in nested pickles too.
        nested: how many pickles stood inside.
        globals: how often each class or function was named.
        flags: what no honest file does, one line each.
    """

    opcodes: int = 0
    nested: int = 0
    globals: Counter[str] = field(default_factory=Counter)
    flags: list[str] = field(default_factory=list)

    def flag(self, line: str) -> None:
        """Note something suspicious, once."""
        if line not in self.flags and len(self.flags) < 100:
            self.flags.append(line)

    def name(self, path: str) -> None:
        """Note that a class or function is named."""
        self.globals[path] += 1
        if reaches_out(path):
            self.flag(f"names {shown(path)}, which could run code or reach files; it was not looked up")

    @property
    def reaching(self) -> list[str]:
        """Names that could run code or reach files."""
        return [path for path in self.globals if reaches_out(path)]

    @property
    def unknown(self) -> list[str]:
        """Other names that files of networks do not need; they are left as they are."""
        return [path for path in self.globals if not reaches_out(path) and not expected(path)]


@dataclass
class Budget:
    """What is left for one file, its nested pickles included."""

    opcodes: int = MOST_OPCODES
    memo: int = MOST_MEMO
    odd_keys: int = MOST_ODD_KEYS
    text_bytes: int = MOST_TEXT_BYTES

    def text(self, count: int) -> None:
        """Take the bytes of a text.

        Raises:
            Broken: all texts are longer than a network needs.
        """
        self.text_bytes -= count
        if self.text_bytes < 0:
            raise Broken("has more text than a network needs")

    def key(self, key: object) -> object:
        """Return a key that a dictionary or set may have.

        Raises:
            Broken: no key at all, or one that takes forever to hash.
        """
        if type(key) is str or (type(key) is int and 0 <= key < SMALL):
            return key
        self.odd_keys -= 1
        if self.odd_keys < 0:
            raise Broken(f"has over {MOST_ODD_KEYS} keys that are no texts, more than a network needs")
        if isinstance(key, tuple):
            if len(key) > 16 or not all(type(part) in _SIMPLE for part in key):
                raise Broken("has a key that is not plain; it is damaged, or made to harm")
        elif isinstance(key, memoryview) or type(key).__hash__ is None:  # lists, dictionaries, long bytes
            raise Broken("has a key that cannot be one; it is damaged, or made to harm")
        return key


_SIMPLE = (str, int, float, bool, bytes, type(None))


def reaches_out(path: str) -> bool:
    """Tell whether a name belongs to what can run code, reach files or reach the network."""
    if expected(path):
        return False
    first, _, rest = path.partition(".")
    return first in REACHING or f"{first}.{rest.partition('.')[0]}" in REACHING


def expected(path: str) -> bool:
    """Tell whether honest files of networks name this."""
    return path in EXPECTED or (path.startswith("torch.") and (path.endswith("Storage") or path[6:] in DTYPE_NAMES))


_DTYPE_NAMES = """
float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 float8_e4m3fn float8_e5m2
"""
DTYPE_NAMES = frozenset(_DTYPE_NAMES.split())
