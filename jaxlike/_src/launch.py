"""python -m jaxlike: what `python` does with a script, a module, code or nothing, with jax served.

The program gets a fresh `__main__`, its own sys.argv and sys.path[0], and its exit code. An exception that
nobody catches goes on to the interpreter, which prints it and chooses the exit code as always; only the
frames above the program are taken out of the traceback at the last moment. The command `jaxlike` is the same.
"""

from __future__ import annotations

import code
import importlib.machinery
import linecache
import os
import pkgutil
import platform
import runpy
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

import torch

from jaxlike._src.redirect import substitute_command
from jaxlike._src.substitute import install
from jaxlike._src.version import __version__ as served_version
from jaxlike._src.version import jaxlike_version

USAGE = """\
usage: python -m jaxlike [-m module | -c code | script.py | -] [arguments ...]
       python -m jaxlike substitute [on | off | status]
       python -m jaxlike compare [options] (script.py | notebook.ipynb | -m module) [arguments ...]

Run a Python program for which jaxlike is `jax`, the way `python` would run it. Options of the interpreter
go before -m: python -W error -m jaxlike script.py

  script.py   run a file, or a folder or a zip file that has a __main__.py
  -m module   run a module
  -c code     run code
  -           read the program from standard input (without a terminal: the default)
  substitute  for the whole environment: from `on` until `off`, `import jax` is jaxlike in every process;
              `status` says which it is, and exits with 0 for on
  compare     run a program on the real jax and on jaxlike, and say where they part; compare --help says more
  --version   say which jaxlike this is, and the version of JAX whose API it serves
  --help      say this
"""


def main() -> None:
    """Run the program that the command line names."""
    arguments = sys.argv[1:]
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(USAGE, end="")
    elif first in ("-V", "--version"):
        print(
            f"jaxlike {jaxlike_version} (the API of jax {served_version}, on torch {torch.__version__}, "
            f"Python {platform.python_version()})"
        )
    elif first == "substitute" and not os.path.exists(first):  # a script of that name comes first
        sys.exit(substitute_command(rest))
    elif first == "compare" and not os.path.exists(first):
        from jaxlike._src.compare.command import compare_command

        sys.exit(compare_command(rest))
    elif first.startswith(("-m", "-c")):
        operand = [first[2:]] if first[2:] else rest[:1]
        if not operand:
            _fail(f"Argument expected for the {first} option\n{USAGE}", 2)
        run = run_module if first.startswith("-m") else run_code
        run(operand[0], rest if first[2:] else rest[1:])
    elif first == "-" or not first:
        run_standard_input(arguments)
    elif first.startswith("-"):
        _fail(f"unknown option {first}\n{USAGE}", 2)
    else:
        run_script(first, rest)


def run_script(path: str, arguments: list[str]) -> None:
    """As ``python path arguments...``."""
    main_module = _fresh_main([path, *arguments])
    full = os.path.join(os.getcwd(), path)
    if pkgutil.get_importer(path) is not None:  # a folder or a zip file
        _set_first_path(full, insert=True)
        return _run(lambda: _run_module_as_main("__main__", False))
    try:
        with open(full, "rb") as file:
            source = file.read()
    except OSError as error:
        _fail(f"{sys.orig_argv[0]}: can't open file {full!r}: [Errno {error.errno}] {error.strerror}", 2)
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    compiled = path.endswith(".pyc")
    loader_type = importlib.machinery.SourcelessFileLoader if compiled else importlib.machinery.SourceFileLoader
    loader = loader_type("__main__", full)
    vars(main_module).update(__file__=full, __cached__=None, __loader__=loader)

    def run() -> None:
        if compiled:
            program: Any = loader.get_code("__main__")
        else:
            program = compile(source, full, "exec", dont_inherit=True)
        exec(program, vars(main_module))

    _run(run)


def run_module(name: str, arguments: list[str]) -> None:
    """As ``python -m name arguments...``."""
    _fresh_main(["-m", *arguments])
    _run(lambda: _run_module_as_main(name))


def run_code(source: str, arguments: list[str]) -> None:
    """As ``python -c source arguments...``."""
    main_module = _fresh_main(["-c", *arguments])
    _set_first_path("")
    if sys.version_info >= (3, 13):  # from there on tracebacks show the lines of -c too
        linecache.cache["<string>"] = (len(source), None, source.splitlines(keepends=True), "<string>")
    _run(lambda: exec(compile(source, "<string>", "exec", dont_inherit=True), vars(main_module)))


def run_standard_input(arguments: list[str]) -> None:
    """As ``python`` alone: the program on standard input, or a session at a terminal."""
    main_module = _fresh_main(arguments or [""])
    _set_first_path("")
    if sys.stdin.isatty():
        install()
        banner = f"Python {sys.version} on {sys.platform}\njaxlike {jaxlike_version} stands in for jax."
        code.interact(banner, local=vars(main_module), exitmsg="")
    else:
        vars(main_module).update(__file__="<stdin>", __cached__=None)
        source = sys.stdin.read()
        _run(lambda: exec(compile(source, "<stdin>", "exec", dont_inherit=True), vars(main_module)))


def _fresh_main(argv: list[str]) -> types.ModuleType:
    """A new ``__main__`` in place of ours, as a program finds it; ``argv`` is its sys.argv."""
    sys.argv[:] = argv
    module = types.ModuleType("__main__")
    vars(module).update(__annotations__={}, __builtins__=sys.modules["builtins"])
    sys.modules["__main__"] = module
    return module


def _set_first_path(path: str, insert: bool = False) -> None:
    """Put ``path`` where `python -m` has put the working directory, unless Python was told to put nothing."""
    if not sys.flags.safe_path:
        sys.path[0] = path
    elif insert:
        sys.path.insert(0, path)


def _run(program: Callable[[], None]) -> None:
    """Install the substitution and run; let exceptions through, to be printed without our frames."""
    install()
    try:
        program()
    except SystemExit:
        raise
    except BaseException:
        _leave_our_frames_out()
        raise


def _leave_our_frames_out() -> None:
    """Have the exception on its way out printed by the program's own hook, from the program's frames on.

    The hook is in place only from here to the printing, so the program never sees it. The interpreter does
    the rest: exit code 1, or the end by SIGINT after a KeyboardInterrupt.
    """
    hook = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, traceback: types.TracebackType | None) -> None:
        sys.excepthook = hook
        while traceback is not None and traceback.tb_frame.f_globals is not globals():
            traceback = traceback.tb_next
        while traceback is not None and traceback.tb_frame.f_globals is globals():
            traceback = traceback.tb_next
        sys.last_traceback = traceback
        hook(kind, error.with_traceback(traceback), traceback)

    sys.excepthook = excepthook


def _run_module_as_main(name: str, alter_argv: bool = True) -> None:
    # What `python -m` itself calls: same search, same error texts, same frames in a traceback.
    runpy_: Any = runpy
    runpy_._run_module_as_main(name, alter_argv)


def _fail(message: str, exit_code: int) -> NoReturn:
    print(message.rstrip("\n"), file=sys.stderr)
    sys.exit(exit_code)
