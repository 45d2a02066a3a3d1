"""No circles of imports: what a file needs can be read below it, imports inside functions included."""

import grimp


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Return the groups of modules that reach each other, each sorted; a package counts as its own file alone."""
    groups, placed = [], set()
    for module in sorted(graph.modules):
        reaches = graph.find_downstream_modules(module) & graph.find_upstream_modules(module)
        if reaches and module not in placed:
            groups.append(sorted({module, *reaches}))
            placed |= {module, *reaches}
    return groups


def test_no_modules_import_each_other() -> None:
    graph = grimp.build_graph("reverie", exclude_type_checking_imports=True, cache_dir=None)
    assert graph.modules >= {"reverie.jobs.run", "reverie.tools.registry"}
    assert circles(graph) == []


def test_a_circle_would_be_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")):
        for module in (importer, imported):
            graph.add_module(module)
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [["a", "b", "c"]]
