"""The toy experiment: where its recipes lie, and what its file says."""

from pathlib import Path

TOY = Path(__file__).with_name("toy.py")
EXPERIMENT = """
name = "toy"
base_model = "model"
task = "toy.py"
method = ["toy.py", "toy.py", "toy.py"]
iterations = 3
seed = 7
[sampling]
sampler = "toy.py"
n = 8
[evaluation]
samples = 8
first_samples = 16
repeats = 1
embedder = ""
measures = ["toy.py"]
[resources]
parallel = 2
share = false
"""
