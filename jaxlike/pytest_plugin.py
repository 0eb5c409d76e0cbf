"""`pytest -p jaxlike.pytest_plugin`: the tests' `import jax` is jaxlike; `--jax=jax` and `--jax=both` choose otherwise."""

from jaxlike._src.testing.plugin import choose_early
from jaxlike._src.testing.plugin import pytest_addoption as pytest_addoption
from jaxlike._src.testing.plugin import pytest_cmdline_main as pytest_cmdline_main
from jaxlike._src.testing.plugin import pytest_collection_finish as pytest_collection_finish
from jaxlike._src.testing.plugin import pytest_configure as pytest_configure
from jaxlike._src.testing.plugin import pytest_load_initial_conftests as pytest_load_initial_conftests
from jaxlike._src.testing.plugin import pytest_report_header as pytest_report_header

choose_early()
