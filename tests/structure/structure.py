#!/usr/bin/env python3
"""Is the house built as it was drawn? One check a ctest entry:

  structure.py symbols  TOP BUILD   what a library exports begins with one of its prefixes; no name is exported twice
  structure.py links    TOP BUILD   what a library needs is defined in a library it may use
  structure.py includes TOP         headers of rooms below only; pure rooms include nothing that does I/O or reads a clock
  structure.py texts    TOP         SQL in sql/ only; nothing left unfinished; long files say why
  structure.py manual   TOP         docs/api.md has the routes that the tables have, docs/operation.md the settings and metrics
  structure.py self                 each rule refuses an example that breaks it

Exit 1 and one line a finding. rooms.py holds the rules' data.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from rooms import (FORBIDDEN_IN_PURE, LIBRARIES, LINES_MAX, NO_JSON, OWNED_HEADERS, PURE, SQL_ROOM, library_of)

SOURCE_FOLDERS = ("gateway", "eth", "did", "anchor", "sql", "contracts-abi")
TEXT_FOLDERS = SOURCE_FOLDERS + ("tests", "cmake", "docs")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD)\b|\bstub(s|bed)?\b|\bnot (yet )?implemented\b|\bunimplemented\b", re.I)
SQL_TEXT = re.compile(r'"[^"\n]*\b(select\b[^"]*\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+(table|index))\b', re.I)
ROUTE = re.compile(r'^\s*\{"([A-Z]+)",\s*"(/[^"]*)",', re.M)
SETTING = re.compile(r'^\s*\{"(\w+)", (?:TEXT|LIST|NUMBER|FLAG),', re.M)
METRIC = re.compile(r'^METRIC\(\w+, \w+, "(\w+)"', re.M)
DOCUMENTED_ROUTE = re.compile(r"`(?:(GET|POST|PUT|DELETE) )?(/[^`]*)`")
DOCUMENTED_NAME = re.compile(r"`(\w+)`")
# On another listener (gateway/runtime/metrics.c), so in no table.
OTHER_ROUTES = ("GET /metrics",)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


# ---- rules: data in, findings out ----

def may_use(library):
    return LIBRARIES[library][1].split()


def has_prefix(library, symbol):
    return any(symbol == p or (p.endswith("_") and symbol.startswith(p)) for p in LIBRARIES[library][0].split())


def check_table():
    """The data itself: every use is of an earlier library, and no two libraries share a prefix."""
    seen, owner = [], {}
    for library, (prefixes, uses) in LIBRARIES.items():
        for used in uses.split():
            if used not in seen:
                yield f"rooms.py: {library} uses {used}, which does not stand before it"
        for prefix in prefixes.split():
            if prefix in owner:
                yield f"rooms.py: {prefix} belongs to {owner[prefix]} and {library}"
            owner[prefix] = library
        seen.append(library)


def check_symbols(defined):
    """defined: library -> set of exported names."""
    owner = {}
    for library, symbols in defined.items():
        if library not in LIBRARIES:
            yield f"{library}: a library that rooms.py does not know"
            continue
        for symbol in sorted(symbols):
            if not has_prefix(library, symbol):
                yield f"{library}: {symbol} begins with none of its prefixes"
            if symbol in owner:
                yield f"{library}: {symbol} is also defined in {owner[symbol]}"
            owner[symbol] = library
        for prefix in LIBRARIES[library][0].split():
            if not any(s == prefix or (prefix.endswith("_") and s.startswith(prefix)) for s in symbols):
                yield f"{library}: nothing begins with {prefix} any more; take it out of rooms.py"


def check_links(defined, needed):
    owner = {symbol: library for library, symbols in defined.items() for symbol in symbols}
    for library, symbols in needed.items():
        for symbol in sorted(symbols):
            used = owner.get(symbol, library)
            if used != library and used not in may_use(library):
                yield f"{library}: {symbol} is of {used}, which it may not use"


def check_includes(path, text):
    library = library_of(path)
    if library is None or library not in LIBRARIES:
        yield f"{path}: in no library that rooms.py knows"
        return
    for quote, header in INCLUDE.findall(text):
        if quote == '"':
            used = library_of(header) if "/" in header else None
            if used is None:
                yield f'{path}: "{header}" is not rooted at the project'
            elif used != library and used not in may_use(library):
                yield f"{path}: {header} is of {used}, which {library} may not use"
            continue
        if library in PURE and header.startswith(FORBIDDEN_IN_PURE):
            yield f"{path}: <{header}> in a pure room"
        if library in NO_JSON and header == "jansson.h":
            yield f"{path}: JSON in a room that knows none"
        for start, owners in OWNED_HEADERS.items():
            if header.startswith(start) and library not in owners:
                yield f"{path}: <{header}> belongs to {' and '.join(owners)}"


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def check_text(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished: {line.strip()}"
    if not path.endswith((".c", ".h")):
        return
    if library_of(path) not in (None, SQL_ROOM):
        for match in SQL_TEXT.finditer(re.sub(r'"\s*"', "", without_comments(text))):
            yield f"{path}: SQL outside sql/: {match.group()[:60]}"
    lines = text.count("\n")
    if lines > LINES_MAX and library_of(path):
        first = re.search(r"/\*.*?\*/", text[:2000], re.S)
        if not first or not re.search(r"\blong(er)?\b|\bone (file|table|piece)\b", first.group(), re.I):
            yield f"{path}: {lines} lines, and its first comment does not say why it is that long"


def plain_route(path):
    """Without query and options, parameters without their names: the page may name them for the reader."""
    path = re.sub(r"\[.*?\]|\?.*$", "", re.sub(r"\{[^}]*\}", "{}", path))
    return re.sub(r"^/log/tile/.*", "/log/tile/{}", path)


def check_routes(tables, page):
    """tables: texts that hold route tables; page: the manual. A path on a row of the page has the method named before it."""
    served = {f"{method} {plain_route(path)}" for text in tables for method, path in ROUTE.findall(text)}
    told = set()
    for line in page.split("\n"):
        last = None
        for method, path in DOCUMENTED_ROUTE.findall(line):
            last = method or last
            if last:
                told.add(f"{last} {plain_route(path)}")
    for route in sorted(served - told):
        yield f"docs/api.md says nothing of {route}"
    for route in sorted(told - served - set(OTHER_ROUTES)):
        yield f"docs/api.md tells of {route}, which no table in gateway/routes has"


def check_named(what, names, page):
    told = set(DOCUMENTED_NAME.findall(page))
    if not names:
        yield f"no {what} found: has its table moved?"
    for name in sorted(set(names) - told):
        yield f"docs/operation.md says nothing of {what} {name}"


def check_manual(top):
    def read(*path):
        with open(os.path.join(top, *path), encoding="utf-8") as file:
            return file.read()

    yield from check_routes([text for _, text in files(top, ("gateway/routes",), (".c",))], read("docs", "api.md"))
    page = read("docs", "operation.md")
    yield from check_named("setting", SETTING.findall(read("gateway", "config.c")), page)
    yield from check_named("metric", METRIC.findall(read("gateway", "runtime", "metrics_table.h")), page)


# ---- the tree ----

def files(top, folders, endings):
    for folder in folders:
        for where, folders_below, names in os.walk(os.path.join(top, folder)):
            folders_below[:] = [f for f in folders_below if f not in ("node_modules", "corpus", "structure", "vectors")]
            for name in sorted(names):
                if name.endswith(endings):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, top), file.read()


def symbols(build):
    defined, needed = {}, {}
    for where, _, names in os.walk(build):
        for name in names:
            match = re.fullmatch(r"libkedge_(\w+)\.a", name)
            if not match or "tests" in os.path.relpath(where, build).split(os.sep):
                continue
            library = match.group(1)
            defined[library], needed[library] = set(), set()
            output = subprocess.run(["nm", "-P", "--extern-only", os.path.join(where, name)], check=True,
                                    capture_output=True, text=True).stdout
            for line in output.split("\n"):
                fields = line.split()
                # ASan's odr indicators, gcov's tables: the compiler's own names begin with "_".
                if len(fields) < 2 or fields[0].startswith("_") or line.endswith(":"):
                    continue
                (needed if fields[1] in "Uuw" else defined)[library].add(fields[0])
            needed[library] -= defined[library]
    missing = set(LIBRARIES) - {"main"} - set(defined)
    if missing:
        sys.exit(f"not built in {build}: {', '.join(sorted(missing))}")
    return defined, needed


def self_test():
    good = {name: {p + "x" if p.endswith("_") else p for p in prefixes.split()} for name, (prefixes, _) in LIBRARIES.items()}
    kept = "/* Longer than most: one state machine, one file. */\n" + "\n" * 501
    cases = [
        (0, check_table()), (0, check_symbols(good)), (0, check_links(good, {"did": good["eth"], "cli": good["steward"]})),
        (1, check_symbols({**good, "sql": good["sql"] | {"helper"}})),
        (1, check_symbols({**good, "sql": good["sql"] - {"pg_x"}})),
        (2, check_symbols({**good, "sql": good["sql"] | {"jcs_x"}})),
        (1, check_symbols({**good, "utils": set()})),
        (1, check_links(good, {"anchor": {"hex_x"}})), (1, check_links(good, {"http": {"append_x"}})),
        (1, check_links(good, {"routes": {"worker_x"}})), (0, check_links(good, {"sql": {"PQexec"}})),
        (0, check_includes("did/did.c", '#include "eth/hex.h"\n#include <jansson.h>\n#include <string.h>')),
        (1, check_includes("did/did.c", '#include "sql/pg.h"')),
        (1, check_includes("gateway/http/reply.c", '#include "gateway/record/append.h"')),
        (1, check_includes("eth/abi.c", '# include <time.h>')), (0, check_includes("eth/rpc.c", "#include <time.h>")),
        (1, check_includes("eth/hex.c", '#include "eth/rpc.h"')), (1, check_includes("eth/hex.c", '#include "hex.h"')),
        (1, check_includes("anchor/map.c", "#include <jansson.h>")), (1, check_includes("utils/x.c", "")),
        (2, check_includes("did/did.c", "#include <libpq-fe.h>")),
        (1, check_text("did/did.c", 'x = "SELECT a " "FROM b";')), (0, check_text("sql/store.c", '"DELETE FROM x"')),
        (1, check_text("gateway/worker.c", '"select seq from entry"')), (0, check_text("did/a.c", '/* "select a from b" */')),
        (1, check_text("docs/a.md", "FIX" "ME later")), (1, check_text("did/a.c", "/* to" "do */")),
        (0, check_routes(['\t{"GET", "/a/{id}", f,', '{"GET", "/log/tile/{path*}", f,'], "`GET /a/{x y}?b=`, `/a/{z}` `/log/tile/{L}/{N}[.p/{W}]`")),
        (1, check_routes(['\t{"GET", "/a", f,\n\t{"POST", "/a", f,'], "`GET /a`")), (1, check_routes([], "`GET /a`, `GET /metrics`")),
        (1, check_named("setting", ["a", "b"], "`a` b")), (1, check_named("metric", [], "")),
        (0, check_text("did/a.c", "\n" * 500)), (1, check_text("did/a.c", "\n" * 501)), (0, check_text("did/a.c", kept)),
    ]
    for i, (expected, findings) in enumerate(cases):
        findings = list(findings)
        if len(findings) != expected:
            yield f"case {i}: {expected} findings expected: {findings}"


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what in ("symbols", "links") and len(sys.argv) == 4:
        defined, needed = symbols(sys.argv[3])
        found = list(check_symbols(defined)) if what == "symbols" else list(check_links(defined, needed))
    elif what == "includes" and len(sys.argv) == 3:
        found = [f for path, text in files(sys.argv[2], SOURCE_FOLDERS, (".c", ".h")) for f in check_includes(path, text)]
    elif what == "texts" and len(sys.argv) == 3:
        endings = (".c", ".h", ".py", ".sh", ".mjs", ".sol", ".sql", ".cmake", ".txt", ".md")
        found = [f for path, text in files(sys.argv[2], TEXT_FOLDERS, endings) for f in check_text(path, text)]
    elif what == "manual" and len(sys.argv) == 3:
        found = list(check_manual(sys.argv[2]))
    elif what == "self" and len(sys.argv) == 2:
        found = list(self_test())
    else:
        sys.exit(__doc__)
    for finding in found:
        print(finding)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
