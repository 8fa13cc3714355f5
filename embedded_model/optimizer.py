"""The optimiser, the learning-rate plan and the resumable loop that all three stages share."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import nn

from vtw_core.files.replacing import replacing


class Trainer:
    """Runs ``step(progress) -> (loss, numbers to log)`` until the time budget is spent.

    Muon for the matrices inside the layers (``matrix_rate`` None: AdamW for them too), AdamW for
    embeddings, heads, biases and norms. The plan is warm-up, plateau, linear decay over the second
    half, all of it times ``rate``. ``progress`` in [0, 1] is the time spent training over the
    budget, so that a run on a slow machine still ends well. A checkpoint holds everything; a run
    that is started again goes on where it was.
    """

    def __init__(
        self,
        modules: Iterable[nn.Module],
        folder: Path,
        name: str,
        *,
        minutes: float,
        matrix_rate: float | None,
        other_rate: float,
        rate: float = 1.0,
    ) -> None:
        self.modules = list(modules)
        self.path = folder / f"{name}.pt"
        self.log = folder / f"{name}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.budget = minutes * 60
        self.elapsed = 0.0
        self.steps = 0
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for module in self.modules:
            for key, parameter in module.named_parameters():
                if not parameter.requires_grad:
                    continue
                inside = matrix_rate is not None and "layers." in key and parameter.ndim == 2
                (matrices if inside else others).append(parameter)
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                others,
                lr=other_rate,
                betas=(0.9, 0.98),
                weight_decay=0.0,
                fused=others[0].is_cuda,
            )
        ]
        if matrix_rate is not None and matrices:
            self.optimizers.append(
                torch.optim.Muon(
                    matrices, lr=matrix_rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
                )
            )
        self.rates = [rate * group["lr"] for opt in self.optimizers for group in opt.param_groups]
        if self.path.exists():
            self._resume()

    @property
    def progress(self) -> float:
        return min(1.0, self.elapsed / self.budget)

    def _resume(self) -> None:
        saved = torch.load(self.path, weights_only=True)
        for module, state in zip(self.modules, saved["modules"], strict=True):
            module.load_state_dict(state)
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.elapsed, self.steps = saved["elapsed"], saved["steps"]

    def save(self) -> None:
        state = {
            "modules": [module.state_dict() for module in self.modules],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "elapsed": self.elapsed,
            "steps": self.steps,
        }
        with replacing(self.path) as file:
            torch.save(state, file)

    def _set_rate(self) -> None:
        scale = min(1.0, (self.steps + 1) / 100)
        if self.progress > 0.5:
            scale *= max(0.02, (1 - self.progress) / 0.5)
        groups = [group for opt in self.optimizers for group in opt.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * scale

    def run(
        self, step: Callable[[float], tuple[torch.Tensor, dict[str, float]]], log_every: int = 50
    ) -> None:
        parameters = [p for opt in self.optimizers for g in opt.param_groups for p in g["params"]]
        sums: dict[str, float] = {}
        last_save = time.monotonic()
        while self.progress < 1.0:
            start = time.monotonic()
            self._set_rate()
            loss, numbers = step(self.progress)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.steps += 1
            self.elapsed += time.monotonic() - start
            for key, value in {"loss": float(loss.detach()), **numbers}.items():
                sums[key] = sums.get(key, 0.0) + value
            if not math.isfinite(sums["loss"]):
                raise RuntimeError(f"the loss is not finite at step {self.steps}")
            if self.steps % log_every == 0:
                line = {key: round(value / log_every, 4) for key, value in sums.items()}
                entry = {"step": self.steps, "minutes": round(self.elapsed / 60, 2), **line}
                with self.log.open("a") as out:
                    out.write(json.dumps(entry) + "\n")
                sums = {}
            if time.monotonic() - last_save > 180:
                self.save()
                last_save = time.monotonic()
        self.save()
