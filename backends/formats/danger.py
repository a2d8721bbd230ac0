"""Names that have no business in a model: what runs commands or code, or reaches out."""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import Final

_MODULES: Final = """
    _ctypes _pickle _posixsubprocess _socket _thread antigravity asyncio bdb cProfile cloudpickle
    code codeop commands ctypes dill distutils doctest ensurepip fileinput ftplib glob http httpx
    idlelib imaplib imp importlib lib2to3 linecache marshal multiprocessing nntplib nt
    numpy.testing os paramiko pdb pickle pip pkg_resources pkgutil poplib popen2 posix profile pty
    py_compile pydoc requests resource runpy setuptools shelve shutil signal site smtplib socket
    socketserver sqlite3 ssl subprocess sys tempfile telnetlib test threading timeit trace unittest
    urllib urllib2 urllib3 venv webbrowser winreg xmlrpc zipimport
"""
_NAMES: Final = """
    _io.FileIO _io.open aiohttp.client.ClientSession builtins.__import__ builtins.breakpoint
    builtins.compile builtins.delattr builtins.eval builtins.exec builtins.filter builtins.getattr
    builtins.globals builtins.input builtins.locals builtins.map builtins.open builtins.setattr
    builtins.vars codecs.open functools.reduce io.FileIO io.open joblib.load
    joblib.numpy_pickle.load logging.config.dictConfig logging.config.fileConfig
    logging.config.listen numpy.fromfile numpy.load numpy.memmap numpy.save operator.attrgetter
    operator.call operator.methodcaller pandas.io.pickle.read_pickle pandas.read_pickle
    platform.popen torch.hub.load torch.load torch.serialization.load
    torch.storage._load_from_bytes types.CodeType types.FunctionType types.LambdaType
    uuid._get_command_stdout yaml.load yaml.unsafe_load
"""
MODULES: Final = frozenset(_MODULES.split())
NAMES: Final = frozenset(_NAMES.split())


def dangerous(module: str, name: str) -> bool:
    """Whether `name` of `module` is known to run foreign code, or leads to a module that does.

    Every part counts: `os.system` as a name in `logging` reaches `os` as well. Names of Python 2
    are looked at as what they are called now, too.
    """
    now = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return _bad(module, name) or (now != (module, name) and _bad(*now))


def _bad(module: str, name: str) -> bool:
    parts = module.split(".")
    heads = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    if heads & MODULES or f"{module}.{name}" in NAMES:
        return True
    inner = name.split(".")
    return len(inner) > 1 and (
        any(part in MODULES or part.startswith("__") for part in inner)
        or f"builtins.{inner[-1]}" in NAMES
    )
