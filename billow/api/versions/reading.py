"""Read requests of older versions that need the database: the interval of a price, a meter."""

from copy import deepcopy
from inspect import isgeneratorfunction
from typing import Any

from billow.api import operation, rows
from billow.api.operation import Call
from billow.api.resource import REGISTRY
from billow.api.versions import history
from billow.api.versions.change import Addressed, Made, Need, Sent, Several
from billow.store.tx import Tx


def read_in(tx: Tx, call: Call, sent: Sent) -> Sent:
    """Return the params of a request as the newest version has them; those given are left as they are.

    A request is carried out again after a conflict, and then what was made for it before is gone.
    """
    functions = [
        function
        for change in history.since(call.version)
        for function in change.requests.get(call.name, ())
        if isgeneratorfunction(function)
    ]
    if not functions:
        return sent
    read = deepcopy(sent)
    for function in functions:
        history.add(call.renamed, _met(tx, call, function(read)))
    return read


def _met(tx: Tx, call: Call, needs: Any) -> Any:
    """Run a function to its end, and give it what it asks for; return what it returns."""
    found: Any = None
    try:
        while True:
            found = _found(tx, call, needs.send(found))
    except StopIteration as done:
        return done.value


def _found(tx: Tx, call: Call, need: Need) -> Any:
    if isinstance(need, Addressed):
        return call.ids[0]
    cls = REGISTRY[need.noun]
    if isinstance(need, Made):
        create = next(verb for verb in cls.verbs if verb.kind == "create")
        return create.run(tx, operation.draft(tx, cls, need.sent))
    if isinstance(need, Several):
        return rows.select(tx, cls, f'"{need.by}" = %(id)s', id=need.id)
    return rows.find_many(tx, cls, [need.id]).get(need.id)
