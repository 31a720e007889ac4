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
