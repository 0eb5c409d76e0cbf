"""`python -m compat.report`: per namespace, how many names are served, and how many of those have a case.

`--update-later` rewrites the section [later] of gaps.txt to what is not served now: whole namespaces where
nothing is, single names elsewhere. Reasons that were given by hand stay. `--update-readme` rewrites README's table.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from compat import inventory, ledger

NOT_YET = "not served yet"
README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- report -->\n", "<!-- /report -->\n"


def table(depth: int) -> str:
    """The report in markdown, one row per namespace, `depth` words deep."""
    have, cases, gaps = inventory.served(), inventory.with_case(), ledger.load()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for name in inventory.names():
        namespace = ".".join(name.module.split(".")[:depth])
        for key in (namespace, "all"):
            row = counts[key]
            row[0] += 1
            row[1] += name.path in have
            row[2] += name.needs_case and name.path in have
            row[3] += name.needs_case and name.path in have and name.path in cases
            row[4] += gaps.reason("never", name.path) is not None
    lines = [
        "| namespace | served / total | cases / served functions | no meaning on PyTorch |",
        "| --- | --- | --- | --- |",
    ]
    for namespace in sorted(counts, key=lambda n: (n == "all", n)):
        total, got, callable_, with_case, never = counts[namespace]
        lines.append(f"| {namespace} | {got} / {total} | {with_case} / {callable_} | {never or ''} |")
    return "\n".join(lines)


def later_rows() -> list[str]:
    """The rows of [later] as they should be: every name that is neither served nor in [never]."""
    have, gaps = inventory.served(), ledger.load()
    by_module: dict[str, list[inventory.Name]] = defaultdict(list)
    for name in inventory.names():
        by_module[name.module].append(name)
    rows: list[str] = []
    for module, members in by_module.items():
        open_ = [n for n in members if n.path not in have and gaps.reason("never", n.path) is None]
        below = [n.path for n in inventory.names() if n.path.startswith(module + ".") and n.path in have]
        whole = len(open_) == len(members) > 1 and not below
        for row in [f"{module}.*"] if whole else [n.path for n in open_]:
            rows.append(f"{row}  {gaps.rows['later'].get(row, NOT_YET)}")
    wild = [row.split("  ")[0][:-1] for row in rows if row.split("  ")[0].endswith(".*")]
    return sorted(row for row in rows if not any(row.startswith(w) and not row.startswith(w + "*") for w in wild))


def update_later() -> None:
    """Rewrite the section [later], which is the last one of gaps.txt."""
    text = ledger.PATH.read_text(encoding="utf-8")
    head, marker, rest = text.partition("[later]\n")
    if not marker or any(line.startswith("[") for line in rest.splitlines()):
        raise SystemExit("gaps.txt must end with the section [later]")
    ledger.PATH.write_text(head + marker + "\n".join(later_rows()) + "\n", encoding="utf-8")


def readme_with_table() -> str:
    """README with the report between its two marks."""
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}{table(2)}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m compat.report", description=__doc__)
    parser.add_argument("--update-later", action="store_true", help="rewrite [later] in gaps.txt")
    parser.add_argument("--update-readme", action="store_true", help="rewrite the table of README.md")
    parser.add_argument("--depth", type=int, default=2, help="words of a namespace (default 2: jax.numpy)")
    parser.add_argument("--missing", metavar="PREFIX", help="list the names below PREFIX that are not served")
    parser.add_argument("--without-case", action="store_true", help="list the served functions without a case")
    options = parser.parse_args()
    if options.update_later:
        update_later()
    if options.update_readme:
        README.write_text(readme_with_table(), encoding="utf-8")
    if options.update_later or options.update_readme:
        return
    if options.missing is not None:
        have = inventory.served()
        print("\n".join(n.path for n in inventory.names() if n.path.startswith(options.missing) and n.path not in have))
    elif options.without_case:
        print("\n".join(inventory.without_case()))
    else:
        print(table(options.depth))


if __name__ == "__main__":
    main()
