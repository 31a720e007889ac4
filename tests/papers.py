"""What later papers add to SCAN, transcribed from their equations: one pair, plain loops, float64.

Written from the papers and from what their authors published beside them where these leave a
constant open; weights are those of the network under test, by name.
"""

import math

import numpy as np

GPO_TEMPERATURE = 0.1  # of theta's softmax, in what VSE-infinity's authors published


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def gru(inputs, weights, name, suffix):
    """States of a GRU after each of its inputs (Cho et al. 2014, as torch writes it)."""
    w, u, b, c = (
        weights[f"{name}.{part}_l0{suffix}"].astype(float)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    dim = u.shape[1]
    state, states = np.zeros(dim), []
    for x in inputs:
        met, kept = w @ x + b, u @ state + c
        new = np.zeros(dim)
        for d in range(dim):
            reset = sigmoid(met[d] + kept[d])
            update = sigmoid(met[dim + d] + kept[dim + d])
            fresh = math.tanh(met[2 * dim + d] + reset * kept[2 * dim + d])
            new[d] = (1 - update) * fresh + update * state[d]
        state = new
        states.append(state)
    return states


def gpo(vectors, weights, name):
    """The generalized pooling operator (Chen et al. 2021, section 4): sum_k theta_k max_k."""
    count, dim = vectors.shape
    codes = []
    for k in range(count):
        code = np.zeros(32)
        for j in range(16):
            code[2 * j] = math.sin(k / 10000 ** (2 * j / 32))
            code[2 * j + 1] = math.cos(k / 10000 ** (2 * j / 32))
        codes.append(code)
    onwards = gru(codes, weights, f"{name}.rnn", "")
    backwards = gru(codes[::-1], weights, f"{name}.rnn", "_reverse")[::-1]
    w = weights[f"{name}.linear.weight"][0].astype(float)
    both = zip(onwards, backwards, strict=True)
    raw = [float(w @ ((a + b) / 2)) / GPO_TEMPERATURE for a, b in both]
    powers = [math.exp(x - max(raw)) for x in raw]
    theta = [p / sum(powers) for p in powers]
    pooled = np.zeros(dim)
    for d in range(dim):
        ordered = sorted((float(v[d]) for v in vectors), reverse=True)
        pooled[d] = sum(t * value for t, value in zip(theta, ordered, strict=True))
    return pooled


def cosine(a, b):
    return float(a @ b) / (math.sqrt(float(a @ a)) * math.sqrt(float(b @ b)))


def chan(regions, words, temperature):
    """CHAN (Pan et al. 2023): hard assignment of words to regions, log-sum-exp over words.

    The published code leaves out the factor `temperature` before the logarithm, which orders
    nothing otherwise; SCAN's eq. 6 has it.
    """
    total = 0.0
    for word in words:
        relevance = max(cosine(region, word) for region in regions)
        total += math.exp(relevance / temperature)
    return temperature * math.log(total)


def unit(vector):
    return vector / math.sqrt(sum(float(x) ** 2 for x in vector))


def linear(x, weights, name):
    mapped = weights[f"{name}.weight"].astype(float) @ x
    return mapped + weights.get(f"{name}.bias", np.zeros(1)).astype(float)


def powers_to_1(logits):
    powers = [math.exp(x) for x in logits]
    return [p / sum(powers) for p in powers]


def global_of(vectors, weights, side):
    """A whole side by self-attention that the mean asks (SGRAF's authors' own module of it)."""
    mean = sum(vectors) / len(vectors)
    asked = np.tanh(linear(mean, weights, f"{side}.whole"))
    logits = []
    for vector in vectors:
        common = np.tanh(linear(vector, weights, f"{side}.local")) * asked
        logits.append(float(linear(common, weights, f"{side}.weigh")[0]))
    return unit(sum(a * v for a, v in zip(powers_to_1(logits), vectors, strict=True)))


def similarity_nodes(regions, words, weights, lam=9.0):
    """Global and local similarity vectors (Diao et al. 2021, eqs. 1 to 4)."""
    c = [[float(v @ t) for t in words] for v in regions]
    bar = []
    for row in c:  # [c]+ over its length over the words, the clip leaking as in SCAN's code
        clipped = [x if x > 0 else 0.1 * x for x in row]
        length = math.sqrt(sum(x * x for x in clipped)) + 1e-8
        bar.append([x / length for x in clipped])

    def vector(x, y, name):
        return unit(linear((x - y) ** 2, weights, name))

    nodes = [
        vector(global_of(regions, weights, "regions"), global_of(words, weights, "words"), "whole")
    ]
    for j, word in enumerate(words):
        alpha = powers_to_1([lam * bar[i][j] for i in range(len(regions))])
        attended = sum(a * v for a, v in zip(alpha, regions, strict=True))
        nodes.append(vector(unit(attended), word, "local"))
    return nodes


def sgr(regions, words, weights, steps):
    """Similarity graph reasoning (eqs. 5 and 6): the global node after some steps, judged."""
    nodes = similarity_nodes(regions, words, weights)
    for step in range(steps):
        asks = [linear(node, weights, f"steps.{step}.to") for node in nodes]
        answers = [linear(node, weights, f"steps.{step}.of") for node in nodes]
        after = []
        for ask in asks:
            edges = powers_to_1([float(ask @ answer) for answer in answers])
            mixed = sum(e * node for e, node in zip(edges, nodes, strict=True))
            after.append(np.maximum(linear(mixed, weights, f"steps.{step}.mix"), 0))
        nodes = after
    return sigmoid(float(linear(nodes[0], weights, "judge")[0]))


def saf(regions, words, weights):
    """Similarity attention filtration (eqs. 7 and 8): nodes summed by their gates, judged."""
    nodes = similarity_nodes(regions, words, weights)
    mean, variance, scale, shift = (
        float(weights[f"gate.{name}"][0]) for name in ("mean", "variance", "scale", "shift")
    )
    gates = []
    for node in nodes:
        x = float(linear(node, weights, "gate")[0])
        gates.append(sigmoid((x - mean) / math.sqrt(variance + 1e-5) * scale + shift))
    summed = sum(g / sum(gates) * node for g, node in zip(gates, nodes, strict=True))
    return sigmoid(float(linear(unit(summed), weights, "judge")[0]))
