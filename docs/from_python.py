"""A finished study from Python: its tables, a learning curve, and one network whose score is computed once more.

``python docs/from_python.py smoke`` for the study of ``make smoke``; each block can be pasted into a notebook.
"""

# %% Load: by the study's name, or by its folder of results.
import sys

import ablation
import torch
from matplotlib.figure import Figure

study = ablation.load(sys.argv[1] if len(sys.argv) > 1 else "default")
print(study)

# %% Compare: every table is a data frame with the parameters of the cells as columns.
shown = ["cell", "n", "mean", "difference", "difference_low", "difference_high", "verdict"]
print(study.comparisons[shown].to_string(index=False))

means = study.replicates.groupby(["model", "learning_rate"])[["mse", "accuracy"]].mean()
print(means)

# %% Plot: the losses of one replicate after each epoch.
trained = study.replicates[study.replicates["status"] == "ok"]
cell, replicate = trained[["cell", "replicate"]].iloc[-1]
history = study.history(cell, replicate)
figure = Figure(layout="constrained")
history[["train_loss", "val_loss"]].plot(
    ax=figure.subplots(), title=f"{cell}, replicate {replicate}"
)
figure.savefig("history.png")

# %% Take one network home: a plain module, and the test part that it never saw.
network = study.network(cell, replicate)
inputs, targets = study.test_part(cell, replicate)
with torch.no_grad():
    outputs = network(inputs)
if targets.is_floating_point():
    metric, value = "mse", (outputs.flatten() - targets).square().mean()
else:
    metric, value = "accuracy", (outputs.argmax(1) == targets).double().mean()
stored = study.replicates.set_index(["cell", "replicate"]).loc[(cell, replicate), metric]
print(f"{metric} of {cell}, replicate {replicate}: {value:.6g}; the study has {stored:.6g}")
