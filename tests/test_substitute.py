"""jaxlike in the place of jax: install, uninstall, `python -m jaxlike`, the notebook extension.

Each test runs programs in processes of their own, for what they check is the state of a whole process.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python(*arguments: str, cwd: Path, stdin: str | None = None, check: bool = False):
    """Run ``python *arguments`` in ``cwd`` with this checkout importable."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
    )
    if check:
        assert result.returncode == 0, result.stderr
    return result


def run_program(tmp_path: Path, source: str) -> str:
    """Run ``source`` as a file; its standard output."""
    (tmp_path / "program.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return python("program.py", cwd=tmp_path, check=True).stdout


@pytest.fixture
def another_jax(tmp_path: Path) -> Path:
    """A folder with a package named jax that is not ours, as site-packages with the real one has."""
    package = tmp_path / "jax"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '0.0.1'\n")
    (package / "numpy.py").write_text("from_another_jax = True\n")
    (tmp_path / "uses_jax.py").write_text("import jax\n")
    return tmp_path


def test_every_public_module_imports_in_each_form(tmp_path):
    run_program(
        tmp_path,
        """
        import pkgutil, sys
        import jaxlike
        jaxlike.install()
        import jax, jax.numpy, jax.numpy as jnp
        from jax import numpy as from_jax
        from jax.numpy import sin
        assert jax is jaxlike and jax.numpy is jnp is from_jax is jaxlike.numpy is sys.modules["jax.numpy"]
        assert sin is jaxlike.numpy.sin

        names = [m.name for m in pkgutil.walk_packages(jaxlike.__path__, "jaxlike.") if "._" not in m.name]
        names = [name for name in names if name != "jaxlike.__main__" and not name.endswith("_plugin")]
        assert {"jaxlike.numpy.linalg", "jaxlike.scipy.linalg", "jaxlike.random"} <= set(names), names
        for name in names:
            served = "jax" + name.removeprefix("jaxlike")
            parent, _, leaf = served.rpartition(".")
            space = {}
            exec(f"import {served} as a; from {parent} import {leaf} as b; import {served}", space)
            exec(f"c = {served}", space)
            ours = sys.modules[name]
            assert space["a"] is space["b"] is space["c"] is sys.modules[served] is ours, name
            assert ours.__name__ == served and ours.__spec__.name == name
        """,
    )


def test_names_that_are_not_served_say_so(tmp_path):
    output = run_program(
        tmp_path,
        """
        import json
        import jaxlike
        jaxlike.install()
        import jax, jax.scipy.linalg
        import jax.numpy as jnp
        statements = [
            "import jax._src.pallas", "from jax._src.core import no_such_name", "jax._src.no_such_name",
            "import jax.no_such_module", "from jax import no_such_name", "from jax.numpy import no_such_name",
            "jax.gradd", "jnp.expm", "jnp._private", "import jaxlib.xla_extension",
            "from jaxlib import xla_extension", "jnp.__wrapped__",
        ]
        said = {}
        for statement in statements:
            try:
                exec(statement)
            except Exception as error:
                said[statement] = [type(error).__name__, str(error)]
        print(json.dumps(said))
        assert not hasattr(jnp, "no_such_name") and not hasattr(jax._src, "array_methods")
        assert getattr(jnp, "no_such_name", 5) == 5
        """,
    )
    said = json.loads(output)
    kinds = {statement: kind for statement, (kind, _) in said.items()}
    assert kinds == {
        "import jax._src.pallas": "ModuleNotFoundError",
        "from jax._src.core import no_such_name": "ImportError",
        "jax._src.no_such_name": "AttributeError",
        "import jax.no_such_module": "ModuleNotFoundError",
        "from jax import no_such_name": "ImportError",
        "from jax.numpy import no_such_name": "ImportError",
        "jax.gradd": "AttributeError",
        "jnp.expm": "AttributeError",
        "jnp._private": "AttributeError",
        "import jaxlib.xla_extension": "ModuleNotFoundError",
        "from jaxlib import xla_extension": "ImportError",
        "jnp.__wrapped__": "AttributeError",
    }
    text = {statement: message for statement, (_, message) in said.items()}
    assert text["import jax._src.pallas"].startswith("No module named 'jax._src.pallas': it is private to JAX")
    assert "it is private to JAX" in text["jax._src.no_such_name"]
    assert text["import jax.no_such_module"].endswith("jax is the nearest that it serves.")
    cannot = "cannot import name 'no_such_name' from"
    assert text["from jax import no_such_name"].startswith(f"{cannot} 'jax': jaxlike ")
    assert text["from jax.numpy import no_such_name"].startswith(f"{cannot} 'jax.numpy': jaxlike ")
    assert text["jax.gradd"].startswith("module 'jax' has no attribute 'gradd': jaxlike ")
    assert "jax.grad may serve instead" in text["jax.gradd"]
    assert "jax.scipy.linalg.expm may serve instead" in text["jnp.expm"]
    assert "torch" in text["import jaxlib.xla_extension"]
    assert text["jnp.__wrapped__"] == "module 'jax.numpy' has no attribute '__wrapped__'"


def test_private_names_that_libraries_use(tmp_path):
    """Each of `private_names.py`, by every form of import, and what it stands for."""
    run_program(
        tmp_path,
        """
        import importlib, sys
        import jaxlike
        from jaxlike._src import private_names
        jaxlike.install()
        import jax, jax.extend.source_info_util
        assert jax._src.core.ShapedArray is jax.core.ShapedArray
        assert not jax._src.xla_bridge._backends  # nothing has asked for a device
        import jax._src.traceback_util as traceback_util
        from jax._src import traceback_util as again, core
        from jax._src.tree_util import _registry
        from jax._src.lib import xla_client
        assert traceback_util is again is jax._src.traceback_util and dict in _registry
        assert xla_client.XlaRuntimeError is jax.errors.JaxRuntimeError and core.trace_state_clean()
        assert jax.jit(lambda: int(core.trace_state_clean()))() == 0
        assert jax.devices("cpu")[0].client is jax._src.xla_bridge._backends.get("cpu")
        assert jax._src.distributed.global_state.process_id == 0 and jax._src.distributed.global_state.client is None
        traceback_util.register_exclusion(__file__)
        jax.extend.source_info_util.register_exclusion(__file__)
        assert traceback_util._exclude_paths.count(__file__) == 1 and traceback_util.api_boundary(len)([3]) == 1
        for module in private_names.MIRRORS:
            served = importlib.import_module(module)
            for name in private_names.NAMES.get(module, {}):
                assert name in dir(served) and hasattr(served, name)
                exec(f"from {module} import {name}")
        jaxlike.uninstall()
        assert not [name for name in sys.modules if name.startswith("jax.")]
        """,
    )


def test_names_say_where_they_are_in_jax(tmp_path):
    """In the place of jax they say what JAX's do, so that they are found there again; before and after, where they are."""
    run_program(
        tmp_path,
        """
        import pickle
        import jaxlike
        assert jaxlike.numpy.sin.__module__ == "jaxlike.numpy"
        assert jaxlike.lax.scan.__module__.startswith("jaxlike._src.")
        assert pickle.loads(pickle.dumps(jaxlike.numpy.sin)) is jaxlike.numpy.sin
        jaxlike.install()
        import jax, jax.scipy.stats, jax.experimental.sparse
        said = [
            (jax.numpy.sin, "jax.numpy"), (jax.numpy.stack, "jax.numpy"), (jax.numpy.float32, "jax.numpy"),
            (jax.lax.sin, "jax.lax"), (jax.lax.scan, "jax._src.lax.control_flow.loops"), (jax.grad, "jax._src.api"),
            (jax.scipy.stats.norm.pdf, "jax._src.scipy.stats.norm"), (jax.nn.relu, "jax._src.nn.functions"),
            (jax.errors.TracerBoolConversionError, "jax.errors"), (jax.Array, "jax"), (jax.P, "jax"),
            (jax.experimental.sparse.BCOO, "jax.experimental.sparse.bcoo"),
        ]
        for value, module in said:
            assert value.__module__ == module, (value, value.__module__)
            if not module.startswith("jax._src.scipy.stats"):
                assert pickle.loads(pickle.dumps(value)) is value
        assert (jax.numpy.__name__, jax.scipy.stats.__name__) == ("jax.numpy", "jax.scipy.stats")
        assert str(jax.dtypes.prng_key) == "<class 'jax.dtypes.prng_key'>"
        jaxlike.uninstall()
        assert jaxlike.numpy.float32.__module__ == "jaxlike.numpy"
        assert jaxlike.lax.scan.__module__.startswith("jaxlike._src.")
        """,
    )


def test_metadata_answers_with_the_served_version(tmp_path):
    run_program(
        tmp_path,
        """
        import importlib.metadata as metadata, importlib.util
        import jaxlike
        jaxlike.install()
        import jax, jaxlib, jaxlib.version, jaxlib.xla_client
        assert isinstance(jax.devices()[0], jaxlib.xla_client.Device)
        from jaxlib._jax import PjitFunction
        assert isinstance(jax.jit(abs), PjitFunction)
        from jaxlib import version
        for name in ("jax", "jaxlib", "JAX", "jax_lib".replace("_", "")):
            assert metadata.version(name) == jax.__version__ == "0.10.2"
        assert metadata.metadata("jax")["Summary"].startswith("jaxlike ")
        assert metadata.distribution("jaxlib").read_text("RECORD") is None
        assert jaxlib.__version__ == jaxlib.version.__version__ == version.__version__ == jax.__version__
        assert {"jax", "jaxlib"} <= {distribution.name for distribution in metadata.distributions()}
        assert not [d for d in metadata.distributions(path=["nowhere"])]
        assert importlib.util.find_spec("jax") and importlib.util.find_spec("jax.numpy")
        jaxlike.uninstall()
        for name in ("jax", "jaxlib"):
            try:
                summary = metadata.metadata(name)["Summary"]
            except metadata.PackageNotFoundError:
                continue
            assert not summary.startswith("jaxlike")
        """,
    )


def test_uninstall_leaves_no_trace(another_jax):
    run_program(
        another_jax,
        """
        import multiprocessing.spawn, sys
        import jaxlike, jaxlike.scipy.linalg
        from jaxlike._src.substitute import install, uninstall

        def state():
            modules = {name: module for name, module in sys.modules.items() if name.startswith("jax")}
            spaces = {name: set(vars(module)) for name, module in modules.items() if module is not None}
            specs = {name: module.__spec__ for name, module in modules.items() if module is not None}
            return (modules, spaces, specs, list(sys.meta_path), dict(vars(multiprocessing.spawn)))

        for blocked in (False, True):  # None in sys.modules forbids an import; it must come back
            if blocked:
                sys.modules["jax"] = sys.modules["jaxlib"] = None
            before = state()
            uninstall()
            install()
            install()
            import jax, jax.scipy.linalg, jaxlib
            assert jax is jaxlike and sys.modules["jaxlib"].__version__ == jax.__version__
            uninstall()
            uninstall()
            assert state() == before

        del sys.modules["jax"], sys.modules["jaxlib"]
        import jax.numpy
        assert jax.numpy.from_another_jax and jax.__version__ == "0.0.1"
        """,
    )


def test_refused_after_another_jax_was_imported(another_jax):
    output = run_program(
        another_jax,
        """
        import uses_jax
        import jaxlike
        try:
            jaxlike.install()
        except RuntimeError as error:
            print(error)
        import jax
        assert jax.__version__ == "0.0.1"
        """,
    )
    assert output.startswith("The real jax is already imported (0.0.1, from ")
    assert "python -m jaxlike" in output and "%load_ext jaxlike" in output


SCRIPT = """\
'''A program's doc.'''
import os, sys
print(__name__, __doc__, __file__, __spec__, __package__, __cached__, type(__loader__).__name__)
print(sorted(vars()), __annotations__, sys.argv, sys.path[0])
assert vars() is vars(sys.modules["__main__"])
"""

ERROR = """\
import warnings
warnings.warn("shown, for it is in __main__", DeprecationWarning)
def inner():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("out of " + __name__) from error
inner()
"""

HOOK = """\
import sys
sys.excepthook = lambda kind, error, tb: print(kind, error, tb.tb_frame.f_code.co_name, tb.tb_next)
raise LookupError("seen by the program's own hook")
"""

FILES = {
    "script.py": SCRIPT,
    "error.py": ERROR,
    "hook.py": HOOK,
    "syntax.py": "def f(:\n    pass\n",
    "interrupted.py": "raise KeyboardInterrupt\n",
    "folder/__main__.py": "import sys; print(sys.argv, sys.path[0], __file__)\n",
    "package/__init__.py": "",
    "package/__main__.py": "import sys; print(sys.argv, sys.path[0], __name__, __package__, __spec__.name)\n",
    "package/error.py": ERROR,
}


@pytest.mark.sample(0.4)
@pytest.mark.parametrize(
    "arguments",
    [
        ["script.py", "-x", "--help"],
        ["./error.py"],
        ["-W", "error", "error.py"],
        ["hook.py"],
        ["syntax.py"],
        ["interrupted.py"],
        ["no_such_file.py"],
        ["folder", "1"],
        ["-m", "package", "-m", "1"],
        ["-m", "package.error"],
        ["-m", "no_such_module"],
        ["-c", "import sys; print(sys.argv, sys.path[0]); 1 / 0", "1"],
        ["-c", "import sys; sys.exit('a message')"],
        ["-c", "raise SystemExit(7)"],
        ["-c", "raise SystemExit"],
        ["-"],
        ["-P", "script.py"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_runs_a_program_as_python_does(tmp_path, arguments):
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    # What comes before the program is the interpreter's own: -m jaxlike goes after it.
    own = {"-W": 2, "-P": 1}.get(arguments[0], 0)
    stdin = "import sys; print(sys.argv, __file__)\nraise OSError(5)\n" if arguments == ["-"] else None
    plain = python(*arguments, cwd=tmp_path, stdin=stdin)
    ours = python(*arguments[:own], "-m", "jaxlike", *arguments[own:], cwd=tmp_path, stdin=stdin)
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_says_its_version_and_its_usage(tmp_path):
    version = python("-m", "jaxlike", "--version", cwd=tmp_path, check=True).stdout
    assert version.startswith("jaxlike 0.") and "the API of jax 0.10.2" in version
    usage = python("-m", "jaxlike", "--help", cwd=tmp_path, check=True).stdout
    assert usage.startswith("usage: python -m jaxlike")
    wrong = python("-m", "jaxlike", "--no-such-option", cwd=tmp_path)
    assert wrong.returncode == 2 and wrong.stderr.startswith("unknown option --no-such-option\nusage: ")
    assert python("-m", "jaxlike", "-c", cwd=tmp_path).returncode == 2


def test_one_version_everywhere(tmp_path):
    import tomllib

    from jaxlike._src.version import jaxlike_version

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == jaxlike_version


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_a_program_starts(tmp_path, method):
    if sys.platform == "win32" and method == "forkserver":
        pytest.skip("there is no forkserver on Windows")
    (tmp_path / "program.py").write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            import jax
            import jax.numpy as jnp

            def square(x):
                return jax.__name__, float(jnp.square(x))

            if __name__ == "__main__":
                with multiprocessing.get_context({method!r}).Pool(1) as pool:
                    print(pool.map(square, [3.0]))
            """
        )
    )
    result = python("-m", "jaxlike", "program.py", cwd=tmp_path, check=True)
    assert result.stdout == "[('jaxlike', 9.0)]\n"


def test_notebook_extension(tmp_path):
    output = run_program(
        tmp_path,
        """
        import sys
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.run_cell("%load_ext jaxlike", store_history=False).raise_error()
        shell.run_cell("import jax\\nprint(jax.__name__, jax.numpy.arange(3))").raise_error()
        shell.run_cell("%unload_ext jaxlike").raise_error()
        assert not [name for name in sys.modules if name.partition(".")[0] == "jax"]
        """,
    )
    assert output == "jaxlike [0 1 2]\n"


def test_pytest_plugin(tmp_path):
    test = "import jax\n\ndef test_it():\n    assert jax.__name__ == 'jaxlike'\n"
    (tmp_path / "test_it.py").write_text(test)
    options = ["-q", "-p", "jaxlike.pytest_plugin", "-p", "no:cacheprovider"]
    assert "1 passed" in python("-m", "pytest", *options, cwd=tmp_path, check=True).stdout


# For a whole environment


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that sees the packages of this one, jax left out: its python."""
    import site
    import sysconfig
    import venv

    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    packages = Path(
        sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}, scheme="venv")
    )
    seen = packages / "seen"  # not named *-packages: what is there is a program's own, not installed
    seen.mkdir()
    for source in map(Path, site.getsitepackages()):
        for entry in source.iterdir():
            if not entry.name.startswith("jax") and not (seen / entry.name).exists():
                (seen / entry.name).symlink_to(entry)
    (packages / "seen.pth").write_text(f"{seen}\n{ROOT}\n")
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def in_environment(environment: Path, source: str, cwd: Path, check: bool = True):
    """Run ``source`` by the environment's python; `substitute(action)` there gives exit code and printed texts."""
    (cwd / "program.py").write_text(SUBSTITUTE * ("substitute(" in source) + source, encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [str(environment), "program.py"], cwd=cwd, capture_output=True, text=True, timeout=300, env=bare
    )
    assert not check or result.returncode == 0, result.stderr
    return result


SUBSTITUTE = """
import contextlib, io, os, sys
from jaxlike._src.launch import main

def substitute(action):
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["jaxlike", "substitute", action]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            return end.code, out.getvalue(), err.getvalue()

"""


def everything_in(environment: Path) -> set[str]:
    """Every file and folder of the environment's own."""
    root = environment.parents[1]
    return {
        str(path.relative_to(root)) for path in root.rglob("*") if "seen" not in path.relative_to(root).parts
    }


USES = """
import importlib.metadata as metadata, importlib.util, sys
assert importlib.util.find_spec("jax") and metadata.version("jaxlib") == metadata.version("jax") == "0.10.2"
assert all(file.locate().exists() for name in ("jax", "jaxlib") for file in metadata.files(name))
FIRST
import jax, jax.numpy as jnp, jaxlib, jaxlib.version, jax.lib, jax.version
import jaxlike
assert jax is jaxlike and sys.modules["jax"] is jaxlike and jnp is jaxlike.numpy
assert {jax.__version__, jax.lib.__version__, jax.version.__version__, jaxlib.__version__,
        jaxlib.version.__version__, metadata.version("jax")} == {"0.10.2"}
assert jax.version.__version_info__ == jax.__version_info__ == (0, 10, 2)
print(float(jax.grad(jnp.sin)(0.0)))
"""


def test_an_environment_is_turned_on_and_off_without_a_trace(environment, tmp_path):
    before = everything_in(environment)
    in_environment(
        environment,
        """
assert substitute("status") == (1, "off: no jax is installed.\\n", "")
assert substitute("off")[1].startswith("jaxlike does not stand in for jax")
for _ in range(2):  # twice is as once
    code, out, err = substitute("on")
    assert code == 0 and out.startswith("`import jax` is jaxlike "), err
assert substitute("status")[0] == 0 and substitute("status")[1].startswith("on: `import jax` is jaxlike ")
assert substitute("sideways")[0] == 2
""",
        tmp_path,
    )
    for first in ("from jax.scipy import linalg", "import jaxlib.version"):
        assert in_environment(environment, USES.replace("FIRST", first), tmp_path).stdout == "1.0\n"
    off = "code, out, err = substitute('off'); assert code == 0 and out.startswith('`import jax` is no longer'), out"
    in_environment(environment, off, tmp_path)
    assert everything_in(environment) == before
    assert "No module named 'jax'" in in_environment(environment, "import jax", tmp_path, check=False).stderr


def test_an_environment_with_another_jax_is_left_alone(environment, tmp_path):
    packages = next(path for path in environment.parents[1].rglob("site-packages") if path.is_dir())
    (packages / "jax").mkdir()
    (packages / "jax" / "__init__.py").write_text("__version__ = '0.0.1'\n")
    info = packages / "jaxlib-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: jaxlib\nVersion: 0.0.1\n")
    before = everything_in(environment)
    in_environment(
        environment,
        """
code, out, err = substitute("on")
assert code == 1 and not out and err.startswith("The real jax and jaxlib are installed here ("), err
assert "pip uninstall jax jaxlib" in err and "python -m jaxlike" in err
assert substitute("off")[0] == 0 and substitute("status")[1].startswith("off: jax is ")
""",
        tmp_path,
    )
    assert everything_in(environment) == before
