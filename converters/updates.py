"""Networks that change variables of their own as they run, as batch normalization does in training mode."""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from .errors import ConversionError
from .inspection import pack, read_kind, remove_tensors

_Operator = schema.BuiltinOperator
_CONTROL_FLOW = (_Operator.IF, _Operator.WHILE)


def count_updates(function: Any) -> int:
    """How many variables a `tf.ConcreteFunction` changes whenever it runs."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for body in graph.library.function for node in body.node_def)]
    return sum(node.op.startswith("Assign") and node.op.endswith("VariableOp") for node in nodes)


def drop_updates(model: bytes) -> bytes:
    """The same model without the operators that only change variables; itself if there are none.

    Raises:
        ConversionError: the output depends on such a variable.
    """
    graph = schema.ModelT.InitFromPackedBuf(model, 0)
    main = graph.subgraphs[0]
    kinds = [read_kind(graph, node) for node in main.operators]
    if _Operator.ASSIGN_VARIABLE not in kinds:
        return model
    needed, kept = set(main.outputs), []
    for node, kind in reversed(list(zip(main.operators, kinds, strict=True))):
        if not needed.intersection(node.outputs):
            continue
        if kind == _Operator.READ_VARIABLE:
            raise ConversionError(
                "expected a network that gives the same for the same picture, found one that depends on variables "
                "that it changes itself; save it for inference, with training=False"
            )
        needed.update(node.inputs)
        kept.append(node)
    main.operators = kept[::-1]
    if not set(kinds).intersection(_CONTROL_FLOW):
        # The others gave the variables their first values.
        graph.subgraphs = [main]
    remove_tensors(graph, set(range(len(main.tensors))) - needed - set(main.inputs))
    return pack(graph)
