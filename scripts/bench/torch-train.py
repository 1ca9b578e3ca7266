"""The PyTorch side of the training bench: eager, one thread, the same work as scripts/bench/train.ts.

Reads one line per measurement from standard input, `<case> <seconds>`, runs that case for about so long, and answers
with one JSON line {"samplesPerSecond": ...}. The cases are kept between lines, so measurements can alternate.
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def multi_layer_perceptron():
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(20000, 64, generator=generator)
    y = (x[:, :8].sum(1) > 0).long()
    return model, x, y, 32, F.cross_entropy, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)


def logistic_regression():
    model = nn.Linear(13, 1)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(486, 13, generator=generator)
    y = (x[:, :4].sum(1, keepdim=True) > 0).float()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    return model, x, y, 4, F.binary_cross_entropy_with_logits, optimizer


class Case:
    def __init__(self, make):
        torch.manual_seed(0)
        self.model, self.x, self.y, self.batch, self.loss, self.optimizer = make()
        order = torch.cat([torch.randperm(len(self.x)) for _ in range(max(1, 4000 * self.batch // len(self.x)))])
        self.batches = list(order[: len(order) // self.batch * self.batch].view(-1, self.batch))
        self.done = 0

    def run(self, seconds):
        start = time.perf_counter()
        steps = 0
        while time.perf_counter() - start < seconds:
            rows = self.batches[self.done % len(self.batches)]
            self.optimizer.zero_grad()
            self.loss(self.model(self.x[rows]), self.y[rows]).backward()
            self.optimizer.step()
            self.done += 1
            steps += 1
        return steps * self.batch / (time.perf_counter() - start)


cases = {
    "multi-layer-perceptron": Case(multi_layer_perceptron),
    "logistic-regression": Case(logistic_regression),
}
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    name, seconds = line.split()
    print(json.dumps({"samplesPerSecond": cases[name].run(float(seconds))}), flush=True)
